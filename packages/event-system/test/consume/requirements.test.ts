import { expect, test } from 'vitest'
import { EventPuller, EventSubscriber } from '../../src/consume/index.ts'
import { SqliteStorage } from '../../src/log/sqlite/index.ts'
import { withFaults } from '../support/events.ts'

/** As a log in Kafka would declare it: appended events and positions are one step, and nothing else is. */
function appendsAlone() {
  const storage = new SqliteStorage({ path: '/nowhere/events.db' })
  return withFaults(storage, { features: { ...storage.features, atomic: new Set(['append', 'cursors']) } })
}

const refusal = (feature: string) => ({
  code: 'unsupported',
  message: `${feature} cannot be kept in sqlite at /nowhere/events.db: one atomic step must combine acknowledge, append, write, and there it has no acknowledge, no write. Open a storage that combines them.`
})

test('a consumer group is refused where a delivery cannot be settled in one step, before it touches the storage', async () => {
  const subscriber = new EventSubscriber({ storage: appendsAlone() })
  subscriber.registerHandler('*', () => {})
  await expect(subscriber.startConsuming({ group: 'g' })).rejects.toMatchObject(
    refusal('A consumer group with dead letters')
  )
})

test('so is a pull', async () => {
  const puller = new EventPuller({ storage: appendsAlone() })
  await expect(puller.pull({ group: 'g', consumer: 'c' })).rejects.toMatchObject(
    refusal('A pulled group with dead letters')
  )
})

test('an order by key is refused where the storage has no partitioned groups', async () => {
  const storage = new SqliteStorage({ path: '/nowhere/events.db' })
  const subscriber = new EventSubscriber({ storage: withFaults(storage, { partitioned: undefined as never }) })
  subscriber.registerHandler('*', () => {})
  await expect(subscriber.startConsuming({ group: 'g', ordering: 'key' })).rejects.toMatchObject({
    code: 'unsupported',
    message: expect.stringMatching(/^The log at \/nowhere\/events\.db cannot keep the order by key: /)
  })
})
