import { expect, test } from 'vitest'
import { heldDeliveries } from '../../src/consume/held-deliveries.ts'
import type { Delivery, Storage } from '../../src/log/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'
import { append, signals } from '../support/events.ts'

/** Four deliveries of the consumer `one`, and what each consumer holds of some. */
async function delivered(storage: Storage) {
  await append(storage, ...signals(4))
  const group = storage.queue('g')
  await group.create('start')
  const deliveries = await group.read('one', { limit: 4, waitMs: 0 })
  const heldBy = (consumer: string, holds: readonly Delivery[]) => heldDeliveries({ storage, group, consumer }, holds)
  return { group, deliveries: deliveries as [Delivery, Delivery, Delivery, Delivery], heldBy }
}

describeOnEachLog('the deliveries that a consumer holds', (logs) => {
  test('are read once more as they were handed out, with the attachment, and without those that are not its any more', async () => {
    const storage = await logs.open()
    const { group, deliveries, heldBy } = await delivered(storage)
    const [first, second, third, fourth] = deliveries
    const { messageId, attempt } = first
    const attach = { group: 'g', messageId, text: 'a text', if: { consumer: 'one', attempt } }
    expect(await storage.commit([{ attach: [attach] }])).toMatchObject([{ kind: 'committed' }])
    await group.claim('heir', { minIdleMs: 0, limit: 1, after: first.messageId })
    await group.acknowledge('one', [third])
    expect(await heldBy('one', deliveries)).toEqual([{ ...first, attachment: 'a text' }, fourth])
    expect(await heldBy('heir', [{ ...second, attempt: 2 }])).toEqual([{ ...second, attempt: 2 }])
    expect(await heldBy('heir', [second]), 'of an earlier attempt').toEqual([])
    expect(await heldBy('stranger', deliveries)).toEqual([])
    expect(await heldBy('one', [])).toEqual([])
  })

  test('are without those that were trimmed meanwhile', async () => {
    const storage = await logs.open()
    const { deliveries, heldBy } = await delivered(storage)
    await storage.log.trim({ maxLength: 2 }, { force: true })
    expect(await heldBy('one', deliveries)).toEqual(deliveries.slice(2))
  })
})
