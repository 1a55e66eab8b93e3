import { RedisLog } from '../../src/log/redis/index.ts'

/**
 * A member of the group `group`: handles what it gets one by one and says so, message id, payload and epoch, to its
 * parent; acknowledges in batches; leaves when it is told to.
 */
const [url = '', name = '', shards = '8', leaseMs = '600'] = process.argv.slice(2)
const log = new RedisLog({ url })
await log.start()
const member = log.group('group').sharded(name, {
  shards: Number(shards),
  leaseMs: Number(leaseMs),
  shardOf: ({ payload }) => Number(payload?.split(' ')[0]) % Number(shards)
})
let goesOn = true
process.on('message', () => {
  goesOn = false
})
let surplus: readonly number[] = []
const renewals = (async () => {
  while (goesOn) {
    surplus = (await member.renew()).surplus
    await new Promise((resolve) => setTimeout(resolve, Number(leaseMs) / 5))
  }
})()
while (goesOn) {
  const deliveries = await member.read({ limit: 20, waitMs: 50 })
  const lost = new Set(await member.acknowledge(deliveries))
  const done = deliveries.filter(({ messageId }) => !lost.has(messageId))
  if (done.length > 0) process.send?.(done.map(({ messageId, payload, epoch }) => ({ messageId, payload, epoch })))
  // All that was read is settled here.
  if (surplus.length > 0) await member.giveUp(surplus)
  surplus = []
}
await renewals
await member.leave()
await log.close()
process.disconnect?.()
