import { setTimeout as sleep } from 'node:timers/promises'
import { RedisLog } from '../../src/log/redis/index.ts'

/** Appends so many entries, one each 5 ms; each says when it was appended, by the clock that all processes of a machine share. */
const [url = '', count = '0'] = process.argv.slice(2)
const log = new RedisLog({ url })
await log.start()
for (let index = 0; index < Number(count); index += 1) {
  await sleep(5)
  await log.append([
    { eventId: `child-${index}`, eventType: 'trading_signal', payload: String(process.hrtime.bigint()) }
  ])
}
await log.close()
