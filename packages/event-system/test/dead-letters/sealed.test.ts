import { encodeEvent } from '@tradpal/events'
import { expect, test } from 'vitest'
import { Attachments, Encryption } from '../../src/codec/index.ts'
import { DeadLetters } from '../../src/dead-letters/index.ts'
import { silentLogger } from '../../src/index.ts'
import type { Storage } from '../../src/log/index.ts'
import { keysFile } from '../encryption/keys-in-file.ts'
import { describeOnEachLog } from '../support/each-log.ts'
import { signal } from '../support/events.ts'
import { ADA, bury, deadLettersOf } from './letters.ts'

const SECRET = 'order 4711 of a customer'
const quoting = {
  message: SECRET,
  stack: `Error: ${SECRET}\n    at trade (/app/trade.ts:7:1)`,
  pointer: `/${SECRET}`,
  at: 1
}

function vaultOf(storage: Storage, key: string) {
  const options = { metadata: false, required: false, logger: silentLogger }
  const encryption = new Encryption({ keysFile: keysFile(key), ...options })
  encryption.keepKeysIn(storage)
  return encryption.vault
}

/** Every text that collections have of dead letters. */
async function storedTexts(storage: Storage): Promise<string> {
  const collections = ['dead-letters', 'dead-letter-causes', 'dead-letter-actions']
  const pages = await Promise.all(collections.map((name) => storage.collections.list(name, { limit: 1_000 })))
  return pages
    .flat()
    .map(({ id, value }) => `${id} ${value}`)
    .join('\n')
}

describeOnEachLog('dead letters of an encrypted log', (logs) => {
  test('quote nothing that can be read without the key, and everything with it', async () => {
    const storage = await logs.open()
    const vault = vaultOf(storage, 'a')
    const { deadLetters } = deadLettersOf(storage, { vault })
    const parts = { firstError: quoting, lastError: quoting, note: SECRET, payload: 'sealed elsewhere' }
    const letter = await bury(storage, deadLetters, 'group', parts)
    const other = await bury(storage, deadLetters, 'group', parts)
    expect(await storedTexts(storage)).not.toContain(SECRET)
    const [read] = await deadLetters.list({ limit: 1 })
    expect(read).toMatchObject({
      id: letter.id,
      firstError: quoting,
      lastError: quoting,
      fingerprint: letter.fingerprint
    })
    expect(await deadLetters.get(letter.id)).toEqual(read)
    await deadLetters.discard(letter.id, { ...ADA, reason: SECRET })
    await deadLetters.requeue(other.id, ADA)
    expect(await storedTexts(storage)).not.toContain(SECRET)
    expect(await deadLetters.actions({ limit: 10 })).toMatchObject([
      { action: 'discard', reason: SECRET, letter: { lastError: quoting } },
      { action: 'requeue', letter: { lastError: quoting } }
    ])
    const [delivery] = await storage.queue('group').claim('heir', { minIdleMs: 3_600_000, limit: 1 })
    expect(delivery?.attachment).not.toContain(SECRET)
    expect(delivery && new Attachments('group', vault).read(delivery)).toMatchObject({ note: SECRET, requeues: 1 })
  })

  test('say why they cannot be read where the key is missing, and can still be moved', async () => {
    const storage = await logs.open()
    const { deadLetters } = deadLettersOf(storage, { vault: vaultOf(storage, 'a') })
    const letter = await bury(storage, deadLetters, 'group', { firstError: quoting, lastError: quoting })
    const without = new DeadLetters({ storage, vault: vaultOf(storage, 'b') })
    const read = await without.get(letter.id)
    expect(read?.lastError.message).toMatch(/^\(It cannot be read\. /)
    expect(read).toMatchObject({ fingerprint: letter.fingerprint, handler: 'trade', kind: 'exhausted' })
    await without.requeue(letter.id, ADA)
    expect(await deadLetters.actions({ limit: 1 })).toMatchObject([{ letter: { lastError: quoting } }])
  })

  test('that were plain before are read, filtered and moved as they are', async () => {
    const storage = await logs.open()
    const payload = encodeEvent(signal())
    const plain = deadLettersOf(storage).deadLetters
    const letter = await bury(storage, plain, 'group', { payload, lastError: quoting })
    const { deadLetters } = deadLettersOf(storage, { vault: vaultOf(storage, 'a') })
    expect(await deadLetters.list({ handler: 'trade', limit: 1 })).toEqual([letter])
    await deadLetters.requeue(letter.id, ADA)
    expect(await deadLetters.count()).toBe(0)
  })
})
