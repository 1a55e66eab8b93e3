import { expect, it } from 'vitest'
import { waitFor } from '../../src/testing/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'
import { append, signal } from '../support/events.ts'
import { keysFile, writeKeys } from './keys-in-file.ts'
import { systemOver } from './systems.ts'

describeOnEachLog('how far handlers are, encrypted with a key that is not there', (under) => {
  for (const ordering of ['none', 'key'] as const) {
    it(`is waited for, and known once the key is there, without a restart (ordering: ${ordering})`, async () => {
      // The event is plain: the note alone waits for the key.
      await append(await under.open(), signal())
      const first = await systemOver(under, { encryption: { keysFile: keysFile('new') } })
      first.registerHandler('trading_signal', () => {}, { name: 'done' })
      first.registerHandler('trading_signal', () => Promise.reject(new Error('later')), {
        name: 'later',
        backoff: { initialMs: 1, maxMs: 1 },
        maxAttempts: 1_000
      })
      const dead = ordering === 'none' ? { claimAfterMs: 1_000 } : { leaseMs: 1_000 }
      const shared = { group: 'g', from: 'start', ordering, ...dead } as const
      await first.startConsuming(shared)
      await waitFor(async () => (await first.groups.get('g')).retrying === 1)
      await first.subscriber.close()

      const path = keysFile('old')
      const second = await systemOver(under, { encryption: { keysFile: path } })
      const ran: string[] = []
      for (const name of ['done', 'later'])
        second.registerHandler('trading_signal', () => void ran.push(name), { name })
      await second.startConsuming(shared)
      const { reasons } = await waitFor(
        async () => {
          const health = await second.healthCheck()
          return health.reasons.length > 0 && health
        },
        { timeoutMs: 8_000 }
      )
      expect(reasons.join()).toMatch(/How far its handlers are is encrypted with a key that is not here/)
      expect(ran).toEqual([])
      writeKeys(path, 'old', 'new')
      await waitFor(async () => ran.length > 0 && (await second.groups.get('g')).pending === 0, { timeoutMs: 8_000 })
      expect(ran).toEqual(['later'])
    })
  }
})
