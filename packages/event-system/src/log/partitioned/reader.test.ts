import { expect, test } from 'vitest'
import type { Log, Page } from '../port.ts'
import { Changes } from './changes.ts'
import type { Partition } from './partition.ts'
import { Reader } from './reader.ts'

test('a reader that rests lets go of the tail, also of one whose page nobody has taken in', async () => {
  const ended = Promise.withResolvers<void>()
  async function* tail(): AsyncGenerator<Page> {
    try {
      yield { from: '0', position: '1', entries: [] }
    } finally {
      ended.resolve()
    }
  }
  const log: Partial<Log> = { tail, compare: (a, b) => Number(a) - Number(b) }
  const partition: Partial<Partition> = { readTo: '0', wantsMore: true }
  const changes = new Changes()
  const cut = { partitions: 1, partitionOf: () => 0 }
  const reader = new Reader({ storage: { log: log as Log }, cut, changes })
  const change = changes.next()
  expect(await reader.fill([partition as Partition], true)).toBe(false)
  await change
  reader.rest()
  await ended.promise
})
