import { diagnostics, SqliteStorage } from '@tradpal/event-system'
import { expect, test } from 'vitest'
import { ConsumerMetrics } from '../../src/http/consumer-metrics.ts'

test('the metrics count by group what belonged to erased customers, of their own log alone', async () => {
  const storage = new SqliteStorage({ path: 'never-opened.db' })
  const metrics = new ConsumerMetrics(storage)
  for (const of of [storage, storage, {}])
    diagnostics.shredded.publish({ storage: of, group: 'brokers', messageId: '1-0' })
  expect(await metrics.registry.metrics()).toContain('event_service_group_shredded_total{group="brokers"} 2\n')
  metrics.close()
})
