import { Redis } from 'ioredis'

const STREAM = 'ioredis'

/** Entries a second that ioredis appends for so many concurrent callers, by its own auto-pipelining, with no check at all. */
export async function ioredisRate(url: string, payloads: readonly string[], callers: number): Promise<number> {
  const client = new Redis(url, { enableAutoPipelining: true })
  await client.del(STREAM)
  let next = 0
  const append = async () => {
    while (next < payloads.length) await client.xadd(STREAM, '*', 'event', payloads[next++] as string)
  }
  const started = performance.now()
  await Promise.all(Array.from({ length: callers }, append))
  const rate = (payloads.length / (performance.now() - started)) * 1_000
  await client.del(STREAM)
  client.disconnect()
  return rate
}
