import { expect, test } from 'vitest'
import { redisClient } from '../../../../test/support/redis-client.ts'
import { waitFor } from '../../../../test/support/wait-for.ts'
import { get, newLog, post, serviceOver } from './support/test-service.ts'

const BY_TYPE = { EVENT_PARTITIONING: 'type' }

function event(type: string, number: number) {
  return { event_type: type, source: 'test', data: { symbol: 'BTC/USDT', number } }
}
