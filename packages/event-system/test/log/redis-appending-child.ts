import { setTimeout as sleep } from 'node:timers/promises'
import { RedisStorage } from '../../src/log/redis/index.ts'

/** Appends so many entries, one each 5 ms; each says when it was appended, by the clock that all processes of a machine share. */
const [url = '', count = '0'] = process.argv.slice(2)
const storage = new RedisStorage({ url })
await storage.start()
for (let index = 0; index < Number(count); index += 1) {
  await sleep(5)
  await storage.log.append([
    { eventId: `child-${index}`, eventType: 'trading_signal', payload: String(process.hrtime.bigint()) }
  ])
}
await storage.close()
