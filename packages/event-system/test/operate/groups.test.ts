import { expect, onTestFinished, test } from 'vitest'
import { EventSubscriber } from '../../src/consume/index.ts'
import type { Storage } from '../../src/log/index.ts'
import { GroupOffice } from '../../src/operate/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'
import { append, signals, timesOf } from '../support/events.ts'

/** A group that nobody is a member of, with so many entries read and acknowledged. */
async function leftGroup(storage: Storage, read: number, name = 'desk') {
  const group = storage.queue(name)
  await group.create('start')
  const deliveries = await group.read('one', { limit: read, waitMs: 0 })
  await group.acknowledge('one', deliveries)
  await group.removeConsumer('one')
  return group
}

describeOnEachLog('the groups', (logs) => {
  test('are listed by name, and shown with what is pending', async () => {
    const storage = await logs.open()
    const office = new GroupOffice({ storage })
    await append(storage, ...signals(3))
    await leftGroup(storage, 2, 'b')
    await leftGroup(storage, 3, 'a')
    expect((await office.list()).map(({ name, lag }) => [name, lag])).toEqual([
      ['a', 0],
      ['b', 1]
    ])
    const [delivery] = await storage.queue('b').read('two', { limit: 1, waitMs: 0 })
    expect(await office.get('b')).toMatchObject({ pending: 1, lag: 0, retrying: 0 })
    expect(await office.pending('b')).toMatchObject([
      { messageId: delivery?.messageId, consumer: 'two', deliveries: 1, idleMs: expect.any(Number) }
    ])
    await expect(office.get('c')).rejects.toMatchObject({ code: 'not_found' })
  })

  test('are moved to the start, the end, behind an id and to a time', async () => {
    const storage = await logs.open()
    const office = new GroupOffice({ storage })
    const ids = await append(storage, ...signals(4))
    const [first = 0] = await timesOf(storage, ids)
    await leftGroup(storage, 4)
    const lag = async () => (await office.get('desk')).lag
    await office.seek('desk', 'start')
    expect(await lag()).toBe(4)
    await office.seek('desk', 'end')
    expect(await lag()).toBe(0)
    await office.seek('desk', ids[2] ?? '')
    expect(await lag()).toBe(1)
    await office.seek('desk', new Date(first))
    expect(await lag()).toBe(4)
  })

  test('are not moved to where nothing is yet, nor while members live unless forced', async () => {
    const storage = await logs.open()
    const office = new GroupOffice({ storage })
    await append(storage, ...signals(2))
    const subscriber = new EventSubscriber({ storage })
    onTestFinished(async () => void (await subscriber.close()))
    subscriber.registerHandler('*', () => {})
    await subscriber.startConsuming({ group: 'desk', consumer: 'one' })
    const refused = (to: Parameters<typeof office.seek>[1]) => office.seek('desk', to, { force: true })
    const nextYear = new Date(Date.now() + 365 * 86_400_000)
    await expect(refused(nextYear)).rejects.toMatchObject({ code: 'invalid_argument' })
    await expect(refused(`${Date.now() + 3_600_000}-0`)).rejects.toMatchObject({ code: 'invalid_argument' })
    await expect(refused('yesterday')).rejects.toMatchObject({ code: 'invalid_message_id' })
    await expect(refused(new Date(Number.NaN))).rejects.toMatchObject({ code: 'invalid_argument' })
    await expect(office.seek('nobody', 'start')).rejects.toMatchObject({ code: 'not_found' })
    await expect(office.seek('desk', 'start')).rejects.toMatchObject({
      code: 'group_conflict',
      message: expect.stringMatching(/while its members live \(one\)/)
    })
    await expect(office.remove('desk')).rejects.toMatchObject({ code: 'group_conflict' })
    expect((await office.get('desk')).lag).toBe(0)
    await office.seek('desk', 'start', { force: true })
  })

  test('are removed when nothing is pending, or when forced', async () => {
    const storage = await logs.open()
    const office = new GroupOffice({ storage, clock: { now: () => Date.now(), sleep: async () => {} } })
    await append(storage, ...signals(2))
    const group = await leftGroup(storage, 1)
    const [delivery] = await group.read('two', { limit: 1, waitMs: 0 })
    await group.release('two', delivery === undefined ? [] : [delivery])
    await group.removeConsumer('two')
    await expect(office.remove('desk')).rejects.toMatchObject({
      code: 'group_conflict',
      message: expect.stringMatching(/1 entry pending/)
    })
    await office.remove('desk', { force: true })
    await expect(office.get('desk')).rejects.toMatchObject({ code: 'not_found' })
    await expect(office.remove('desk')).rejects.toMatchObject({ code: 'not_found' })
  })
})
