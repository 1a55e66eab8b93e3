import { test } from 'vitest'
import { privateCipher } from './private-cipher.ts'

test(
  'item 11: each event is encrypted by node:crypto, and by nothing of the library',
  { timeout: 60_000 },
  privateCipher
)
