import { expect, test } from 'vitest'
import { DeadLetters } from '../../src/dead-letters/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'

describeOnEachLog('a dead letter of an entry that no document could hold', (logs) => {
  test('is kept without what the entry holds, and says where that is', async () => {
    const storage = await logs.open()
    const letters = new DeadLetters({ storage })
    const error = { message: 'no event', at: 1 }
    const about = { group: 'g', consumer: 'c', handler: null, eventType: null, kind: 'poison', attempts: 0 } as const
    const errors = { firstError: error, lastError: error, amended: false, requeues: 0 }
    const payload = 'x'.repeat(17 * 1_048_576)
    const [dead] = await letters.prepare([{ messageId: '1-0', ...about, ...errors, payload }])
    const results = await storage.commit([{ write: dead?.writes ?? [] }])
    expect(results).toMatchObject([{ kind: 'committed' }])
    const [letter] = await letters.list({ limit: 1 })
    expect(letter).toMatchObject({ payload: null, raw: { truncated: expect.stringContaining('1-0') } })
    await letters.discard(letter?.id ?? '', { by: 'op', reason: 'too large' })
    expect(await letters.actions({ limit: 1 })).toMatchObject([{ letter: { payload: null } }])
  })
})
