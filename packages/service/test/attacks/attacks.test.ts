import { test } from 'vitest'
import { amendedDeadLetters } from './amended-dead-letters.ts'
import { http1BodyFlood, http2BodyFlood } from './body-floods.ts'
import { deletedAuditLog } from './deleted-audit-log.ts'
import { foreignStreamKeys } from './foreign-stream-keys.ts'
import { forgedDeliveryIds } from './forged-delivery-ids.ts'
import { groupFlood } from './group-flood.ts'
import { hostileText } from './hostile-text.ts'
import { keysOfTheMightier } from './keys-of-the-mightier.ts'
import { inventedEventTypes } from './metric-labels.ts'
import { plainEntry } from './plain-entry.ts'
import { privateCipher } from './private-cipher.ts'
import { hostSaidTwice, orderSaidTwice } from './said-twice.ts'
import { silentHandshakes } from './silent-handshakes.ts'
import { stolenEvents } from './stolen-events.ts'
import { takenEventIds } from './taken-event-ids.ts'
import { attackByWebPages } from './web-page.ts'

test(
  'item 11: each event is encrypted by node:crypto, and by nothing of the library',
  { timeout: 60_000 },
  privateCipher
)

test('item 12: no text of an event is run by a spreadsheet or obeyed by a terminal', { timeout: 120_000 }, hostileText)

test(
  'connections that never finish the TLS handshake are closed, and make room for others',
  { timeout: 60_000 },
  silentHandshakes
)

test(
  'connections that never finish the TLS handshake are closed, and make room for others',
  { timeout: 60_000 },
  silentHandshakes
)

test(
  '400 MiB of bodies that do not end, on one connection of HTTP/2, fill no memory',
  { timeout: 120_000 },
  http2BodyFlood
)

test('400 MiB of bodies that do not end, over HTTP/1.1, fill no memory', { timeout: 120_000 }, http1BodyFlood)

test(
  'no web page of another origin gets an order out of or into a local service',
  { timeout: 300_000 },
  attackByWebPages
)

test('400 MiB of bodies that do not end, over HTTP/1.1, fill no memory', { timeout: 120_000 }, http1BodyFlood)
test(
  'event types that a client makes up neither fill the memory nor the metrics',
  { timeout: 120_000 },
  inventedEventTypes
)

test('a delivery id that was not given to the caller settles nothing', { timeout: 60_000 }, forgedDeliveryIds)

test('a consumer does not acknowledge events that it may not read', { timeout: 60_000 }, stolenEvents)

test('callers make no more consumer groups than the limit', { timeout: 60_000 }, groupFlood)

test('item 12: no text of an event is run by a spreadsheet or obeyed by a terminal', { timeout: 120_000 }, hostileText)
test(
  'item 12: a plain entry of a neighbour reaches nobody where encryption is required',
  { timeout: 60_000 },
  plainEntry
)

test('an order that says something twice is not published', { timeout: 60_000 }, orderSaidTwice)

test('a request that names its host twice does nothing', { timeout: 60_000 }, hostSaidTwice)

test('item 12: no text of an event is run by a spreadsheet or obeyed by a terminal', { timeout: 120_000 }, hostileText)
test(
  'item 12: a plain entry of a neighbour reaches nobody where encryption is required',
  { timeout: 60_000 },
  plainEntry
)

test('item 12: an audit log that was deleted is not verified as right', { timeout: 60_000 }, deletedAuditLog)

test(
  'an operator without permission to publish gets no changed order to a group out of the dead letters',
  { timeout: 60_000 },
  amendedDeadLetters
)

test(
  'a publisher cannot count up the stream key of another, and so fail its publishes',
  { timeout: 60_000 },
  foreignStreamKeys
)

test(
  'an order whose event id somebody took before is never dropped as if it were published',
  { timeout: 60_000 },
  takenEventIds
)

test('who may manage keys cannot shut out a principal that may do more', { timeout: 60_000 }, keysOfTheMightier)
