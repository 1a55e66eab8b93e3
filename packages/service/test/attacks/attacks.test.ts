import { test } from 'vitest'
import { amendedDeadLetters } from './amended-dead-letters.ts'
import { attackByWebPages } from './web-page.ts'
import { deletedAuditLog } from './deleted-audit-log.ts'
import { foreignStreamKeys } from './foreign-stream-keys.ts'
import { forgedDeliveryIds } from './forged-delivery-ids.ts'
import { groupFlood } from './group-flood.ts'
import { hostSaidTwice, orderSaidTwice } from './said-twice.ts'
import { hostileText } from './hostile-text.ts'
import { http1BodyFlood, http2BodyFlood } from './body-floods.ts'
import { inventedEventTypes } from './metric-labels.ts'
import { keysOfTheMightier } from './keys-of-the-mightier.ts'
import { plainEntry } from './plain-entry.ts'
import { privateCipher } from './private-cipher.ts'
import { readableFiles } from './readable-files.ts'
import { silentHandshakes } from './silent-handshakes.ts'
import { stolenEvents } from './stolen-events.ts'
import { takenEventIds } from './taken-event-ids.ts'

test('item 8: no other user of the machine can read what is written', { timeout: 60_000 }, readableFiles)
test(
  'item 11: each event is encrypted by node:crypto, and by nothing of the library',
  { timeout: 60_000 },
  privateCipher
)

test('item 12: no text of an event is run by a spreadsheet or obeyed by a terminal', { timeout: 120_000 }, hostileText)
test(
  'item 12: a plain entry of a neighbour reaches nobody where encryption is required',
  { timeout: 60_000 },
  plainEntry
)

test('item 12: an audit log that was deleted is not verified as right', { timeout: 60_000 }, deletedAuditLog)
