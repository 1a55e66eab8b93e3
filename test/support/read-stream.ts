import { redisClient } from './redis-client.ts'

const PAGE = 5_000

/** An entry of a stream as it stands there. */
export interface StreamEntry {
  readonly id: string
  readonly fields: Readonly<Record<string, string>>
}

/** By the raw driver alone: for those who check what the library made. */
export type RawClient = Awaited<ReturnType<typeof connectRaw>>

export function connectRaw(url: string) {
  return redisClient(url).connect()
}

/** All of a stream, in its order. */
export async function readStream(client: RawClient, stream: string): Promise<StreamEntry[]> {
  const entries: StreamEntry[] = []
  for (let from = '-'; ; ) {
    const page = (await client.xRange(stream, from, '+', { COUNT: PAGE })) ?? []
    for (const { id, message } of page) entries.push({ id, fields: message })
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return entries
    from = `(${last.id}`
  }
}
