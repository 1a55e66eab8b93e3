import { test } from 'vitest'
import { hostileText } from './hostile-text.ts'
import { privateCipher } from './private-cipher.ts'
import { silentHandshakes } from './silent-handshakes.ts'

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
