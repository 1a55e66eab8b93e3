import { test } from 'vitest'
import { amendedDeadLetters } from './amended-dead-letters.ts'
import { http1BodyFlood, http2BodyFlood } from './body-floods.ts'
import { deletedAuditLog } from './deleted-audit-log.ts'
import { endlessHttp2Body, endlessHttp2Pings } from './endless-http2.ts'
import { foreignStreamKeys } from './foreign-stream-keys.ts'
import { forgedDeliveryIds } from './forged-delivery-ids.ts'
import { groupFlood } from './group-flood.ts'
import { hostileText } from './hostile-text.ts'
import { keysOfTheMightier } from './keys-of-the-mightier.ts'
import { inventedEventTypes } from './metric-labels.ts'
import { plainEntry } from './plain-entry.ts'
import { privateCipher } from './private-cipher.ts'
import { readableFiles } from './readable-files.ts'
import { hostSaidTwice, orderSaidTwice } from './said-twice.ts'
import { silentHandshakes } from './silent-handshakes.ts'
import { stolenEvents } from './stolen-events.ts'
import { takenEventIds } from './taken-event-ids.ts'
import { attackByWebPages } from './web-page.ts'

/** What a hostile neighbour tried from outside, against a real service. Each attack once succeeded. */
const ATTACKS: readonly (readonly [promise: string, attack: () => Promise<void>])[] = [
  ['a delivery id that the caller was not given settles nothing', forgedDeliveryIds],
  ['an operator who may not publish cannot change the data of a dead letter', amendedDeadLetters],
  ['a connection that never finishes its TLS handshake is closed, and makes room for others', silentHandshakes],
  ['a body by HTTP/2 that never ends is ended', endlessHttp2Body],
  ['a connection of HTTP/2 on which nothing but pings comes is closed', endlessHttp2Pings],
  ['400 MiB of bodies that do not end fill no memory, over HTTP/1.1', http1BodyFlood],
  ['400 MiB of bodies that do not end fill no memory, on one connection of HTTP/2', http2BodyFlood],
  ['event types that a client makes up fill neither the memory nor the metrics', inventedEventTypes],
  ['pulls make no more consumer groups than the limit', groupFlood],
  ['no web page of another origin gets an order out of a local service, or into it', attackByWebPages],
  ['a consumer does not acknowledge events that it may not read', stolenEvents],
  ['another account of the machine reads no file of the log', readableFiles],
  ['a publisher cannot count up the stream key of another, and so fail its publishes', foreignStreamKeys],
  ['an order whose event id somebody took before is never dropped as if it were published', takenEventIds],
  ['each event is encrypted by node:crypto, and by nothing of the library', privateCipher],
  ['no text of an event is run by a spreadsheet or obeyed by a terminal', hostileText],
  ['an audit log that was deleted does not verify', deletedAuditLog],
  ['an order that says something twice is not published', orderSaidTwice],
  ['a request that names its host twice does nothing', hostSaidTwice],
  ['a principal that manages keys cannot shut out a principal with more scopes', keysOfTheMightier],
  ['a plain entry of a neighbour reaches nobody where encryption is required', plainEntry]
]

for (const [promise, attack] of ATTACKS) test(promise, { timeout: 180_000 }, attack)
