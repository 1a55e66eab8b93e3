import type { Event } from '@tradpal/events'
import { expect, it } from 'vitest'
import { describeOnEachLog } from '../support/each-log.ts'
import { signal } from '../support/events.ts'
import { keysFile } from './keys-in-file.ts'
import { customerOf, prices, signalOf, systemOver } from './systems.ts'

/** Another event under the same id. */
function priced(event: Event, price: number): Event {
  return { ...event, data: { ...event.data, price } }
}

const conflict = { code: 'event_id_conflict' }

describeOnEachLog('an event id that was published before, encrypted', (under) => {
  it('is compared by what the events say, though no text is sealed twice as the same, and after a change of keys', async () => {
    const writer = await systemOver(under, { encryption: { keysFile: keysFile('a') } })
    const event = signal('AAPL', 1)
    const first = await writer.publish(event)
    expect(await writer.publish({ ...event, source: 'another' })).toEqual({ ...first, duplicate: true })
    await expect(writer.publish(priced(event, 2))).rejects.toMatchObject(conflict)
    const later = await systemOver(under, { encryption: { keysFile: keysFile('b', 'a') } })
    expect(await later.publish({ ...event, source: 'another' })).toEqual({ ...first, duplicate: true })
    await expect(later.publishBatch([signal('AAPL', 3), priced(event, 2)])).rejects.toMatchObject({ conflicts: [1] })
    expect(prices(await later.getEvents())).toEqual([1, 3])
  })

  it('is compared with the key of its customer, by a process that has yet to read that', async () => {
    const options = { encryption: { keysFile: keysFile('a'), keyFor: customerOf } }
    const event = signalOf('NAME-1', 1)
    const { messageId } = await (await systemOver(under, options)).publish(event)
    const other = await systemOver(under, options)
    expect(await other.publish({ ...event, source: 'another' })).toMatchObject({ messageId, duplicate: true })
    await expect(other.publish(priced(event, 2))).rejects.toMatchObject(conflict)
    await expect(other.publish(priced(signal('AAPL', 1), 2))).resolves.toMatchObject({ duplicate: false })
  })

  it('is a duplicate where the first event cannot be read: its key is not here, or was destroyed', async () => {
    const event = signal('AAPL', 1)
    const stranger = await systemOver(under, { encryption: { keysFile: keysFile('a') } })
    const { messageId } = await stranger.publish(event)
    const keyFor = customerOf
    const writer = await systemOver(under, { encryption: { keysFile: keysFile('other'), keyFor } })
    expect(await writer.publish(priced(event, 2))).toMatchObject({ messageId, duplicate: true })
    const ofCustomer = signalOf('NAME-1', 3)
    await writer.publish(ofCustomer)
    await writer.shred('NAME-1', { by: 'a test', reason: 'a test' })
    const anonymous = { ...ofCustomer, data: { ...signal('AAPL', 4).data } }
    expect(await writer.publish(anonymous)).toMatchObject({ duplicate: true })
  })
})
