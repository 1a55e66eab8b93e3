import { Redis } from 'ioredis'

const STREAM = 'ioredis'

/** Entries a second that ioredis appends for so many concurrent callers, by its own auto-pipelining, with no check at all but written as JSON. */
export async function ioredisRate(url: string, wires: readonly object[], callers: number): Promise<number> {
  const client = new Redis(url, { enableAutoPipelining: true })
  await client.del(STREAM)
  let next = 0
  const append = async () => {
    while (next < wires.length) await client.xadd(STREAM, '*', 'event', JSON.stringify(wires[next++]))
  }
  const started = performance.now()
  await Promise.all(Array.from({ length: callers }, append))
  const rate = (wires.length / (performance.now() - started)) * 1_000
  await client.del(STREAM)
  client.disconnect()
  return rate
}
