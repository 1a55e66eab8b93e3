import { expect, test } from 'vitest'
import { GroupPlaces } from '../../src/groups/index.ts'
import { behind } from '../../src/log/conformance/entries.ts'
import { Documents, type Storage, type WorkQueue } from '../../src/log/index.ts'
import { ALL_LOGS, describeOn } from '../support/each-log.ts'
import { append, signals, withFaults } from '../support/events.ts'

const NOW = { limit: 100, waitMs: 0 }

const idsOf = (entries: readonly { readonly messageId: string }[]) => entries.map(({ messageId }) => messageId)

describeOn(ALL_LOGS, 'the places of groups', (logs) => {
  async function opened() {
    const storage = await logs.open()
    return { storage, group: storage.queue('group'), places: placesOn(storage) }
  }

  /** A group that has handed out so many new entries. */
  async function handedOut(count: number) {
    const { storage, group, places } = await opened()
    await places.create(group, 'start')
    const ids = await append(storage, ...signals(count))
    return { storage, group, places, ids, deliveries: await group.read('consumer', NOW) }
  }

  test('a group is restored where it stood when its place was last kept, behind the first that was unacknowledged', async () => {
    const { storage, group, places, ids, deliveries } = await handedOut(4)
    await group.acknowledge('consumer', [...deliveries.slice(0, 1), ...deliveries.slice(2)])
    await places.keep(group)
    await group.acknowledge('consumer', deliveries)
    await group.destroy()
    const more = await append(storage, ...signals(2))
    const other = await logs.open()
    expect(await placesOn(other).restore(other.queue('group'), 'end')).toBe(true)
    expect(idsOf(await group.read('consumer', NOW))).toEqual([...ids.slice(1), ...more])
  })

  test('a group that had acknowledged everything is restored behind what was handed out', async () => {
    const { storage, group, places, deliveries } = await handedOut(3)
    await group.acknowledge('consumer', deliveries)
    await places.keep(group)
    await group.destroy()
    const more = await append(storage, ...signals(2))
    expect(await places.restore(group, 'start')).toBe(true)
    expect(idsOf(await group.read('consumer', NOW))).toEqual(more)
  })

  test('a group that is made keeps where it was made, whatever place it had before', async () => {
    const { storage, group, places, ids, deliveries } = await handedOut(3)
    await group.acknowledge('consumer', deliveries)
    await places.keep(group)
    await group.destroy()
    expect(await places.create(group, { after: await behind(storage, ids[0]) })).toBe(true)
    await group.destroy()
    await places.restore(group, 'end')
    expect(idsOf(await group.read('consumer', NOW))).toEqual(ids.slice(1))
  })

  test('a group of which no place is known is restored at the fallback', async () => {
    const { storage, group, places } = await opened()
    const ids = await append(storage, ...signals(3))
    expect(await places.restore(group, { after: await behind(storage, ids[0]) })).toBe(true)
    expect(idsOf(await group.read('consumer', NOW))).toEqual(ids.slice(1))
  })

  test('a log that has lost the place too: a group is restored where this process kept it last', async () => {
    const { storage, group, places, deliveries } = await handedOut(3)
    await group.acknowledge('consumer', deliveries)
    await places.keep(group)
    await group.destroy()
    await new Documents(storage).remove('group-places', 'group')
    const more = await append(storage, ...signals(2))
    await places.restore(group, 'start')
    expect(idsOf(await group.read('consumer', NOW))).toEqual(more)
  })

  test('a group that exists is neither made nor restored, and its place stays', async () => {
    const { group, places, ids, deliveries } = await handedOut(3)
    await group.acknowledge('consumer', deliveries)
    expect(await places.create(group, 'end')).toBe(false)
    expect(await places.restore(group, 'end')).toBe(false)
    expect(await group.read('consumer', NOW)).toEqual([])
    await group.destroy()
    await places.restore(group, 'end')
    expect(idsOf(await group.read('consumer', NOW))).toEqual(ids)
  })

  test('the place of a group that is gone cannot be kept, and stays', async () => {
    const { group, places, ids } = await handedOut(3)
    await group.destroy()
    await expect(places.keep(group)).rejects.toMatchObject({ code: 'not_found' })
    await places.restore(group, 'end')
    expect(idsOf(await group.read('consumer', NOW))).toEqual(ids)
  })

  test('a log that has lost its end: a group is restored where the log ends now, and gets what comes next', async () => {
    const { storage, group, places } = await opened()
    await places.create(group, 'start')
    const [first = ''] = await append(storage, ...signals(1))
    const lost = first.replace(/^\d+/, String(Date.now() + 3_600_000))
    await new Documents(storage).put('group-places', 'group', storage.log.advance(await behind(storage, first), lost))
    await group.destroy()
    await places.restore(group, 'start')
    const ids = await append(storage, ...signals(2))
    expect(idsOf(await group.read('consumer', NOW))).toEqual(ids)
  })

  test('a process that dies between making a group and keeping its place: the next to look after the group keeps it', async () => {
    const { storage, group, places } = await opened()
    const ids = await append(storage, ...signals(3))
    const after = await behind(storage, ids[0])
    const dying = withFaults(storage, { commit: () => Promise.reject(new Error('the process died')) })
    await expect(placesOn(dying).create(group, { after })).rejects.toThrow('the process died')
    expect(await places.create(group, 'end')).toBe(false)
    await places.keep(group)
    await group.destroy()
    await places.restore(group, 'end')
    expect(idsOf(await group.read('consumer', NOW))).toEqual(ids.slice(1))
  })

  test('an answer of a group that was lost and made again meanwhile is not kept: it would be ahead of the new one', async () => {
    const { storage, group, places, ids, deliveries } = await handedOut(3)
    await group.acknowledge('consumer', deliveries)
    const after = await behind(storage, ids[0])
    let asked = 0
    const lostMeanwhile = Object.assign(Object.create(group) as WorkQueue, {
      name: group.name,
      info: async () => {
        const info = await group.info()
        asked += 1
        if (asked === 1) {
          await group.destroy()
          await places.create(group, { after })
        }
        return info
      }
    })
    await places.keep(lostMeanwhile)
    expect(asked).toBe(2)
    await group.destroy()
    await places.restore(group, 'end')
    expect(idsOf(await group.read('consumer', NOW))).toEqual(ids.slice(1))
  })
})

function placesOn(storage: Storage): GroupPlaces {
  return new GroupPlaces(new Documents(storage))
}
