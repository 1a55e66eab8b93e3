import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { TcpProxy } from '../../../../test/support/tcp-proxy.ts'
import type { ShardDelivery } from '../../src/log/port.ts'
import { redisInTest } from './redis-in-test.ts'

const NOW = { limit: 1_000, waitMs: 0 }
const ENTRIES = 20
const IN_HAND = 4

const redis = redisInTest()

const OPTIONS = { shards: 2, leaseMs: 60_000, shardOf: () => 0 }

/** A member behind a proxy that was given some of what there is, and for whom the rest stands ready. */
async function memberWithMore() {
  const proxy = await TcpProxy.before(redis.server.port)
  onTestFinished(() => proxy.close())
  const log = await redis.started({ url: `redis://127.0.0.1:${proxy.port}` })
  const group = log.group('group')
  await group.create('start')
  const entries = Array.from({ length: ENTRIES }, (_, i) => ({
    eventId: `event-${i}`,
    eventType: 'trading_signal',
    payload: String(i)
  }))
  const ids = (await log.append(entries)).map(({ messageId }) => messageId)
  const member = group.sharded('one', OPTIONS)
  await member.renew()
  const inHand = await member.read({ limit: IN_HAND, waitMs: 0 })
  expect(idsOf(inHand)).toEqual(ids.slice(0, IN_HAND))
  await expect.poll(async () => (await redis.client.xPending('tradpal_events', 'group')).pending).toBe(ENTRIES)
  // Behind the step that made it stand ready.
  await member.renew()
  return { proxy, log, member, inHand, rest: ids.slice(IN_HAND) }
}

function idsOf(deliveries: readonly ShardDelivery[]): string[] {
  return deliveries.map(({ messageId }) => messageId)
}

test('a member that is leaving hands out nothing more, and what stood ready goes to the next, uncounted', async () => {
  const { log, member } = await memberWithMore()
  const leaving = member.leave()
  await nextTurn()

  const meanwhile = await Promise.all([member.read(NOW), member.read({ limit: 1, waitMs: 5_000 })])
  await leaving

  expect(meanwhile).toEqual([[], []])
  const heir = log.group('group').sharded('heir', OPTIONS)
  await heir.renew()
  const given = await heir.read(NOW)
  expect(given.map(({ payload, attempt }) => [payload, attempt])).toEqual(
    Array.from({ length: ENTRIES }, (_, i) => [String(i), 1])
  )
})

test('a member that cannot leave hands out nothing while it tries, and goes on when that has failed', async () => {
  const { proxy, member, inHand, rest } = await memberWithMore()
  proxy.loseAnswers()
  const leaving = member.leave()
  leaving.catch(() => {})
  await nextTurn()

  expect(await member.read(NOW)).toEqual([])
  proxy.cutOff()
  await expect(leaving).rejects.toMatchObject({ code: expect.stringMatching(/^log_/) })
  proxy.mend()

  const given = await member.read(NOW)
  expect(idsOf(given)).toEqual(rest)
  const acknowledged = () => member.acknowledge([...inHand, ...given]).catch(() => undefined)
  await expect.poll(acknowledged, { timeout: 5_000 }).toEqual([])
})
