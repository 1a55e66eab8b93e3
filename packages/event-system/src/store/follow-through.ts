import { backoffMs, type Clock, EventSystemError, isRetryable } from '@tradpal/events'
import type { Page, Position, Storage } from '../log/index.ts'
import { pause } from '../runtime/index.ts'

/** The wait before a log that is away is read again, in ms. */
const BACKOFF = { initialMs: 100, maxMs: 1_000 }
const NEVER = new AbortController().signal

/**
 * The pages of a log's tail, also over a time in which the log is away: it goes on behind the last page, with no gap and no
 * repeat. Rejects with what no waiting mends. Where the position is is decided by the call.
 */
export function followThrough(
  storage: Storage,
  clock: Clock,
  from: Position,
  signal?: AbortSignal
): AsyncGenerator<Page> {
  const options = signal === undefined ? {} : { signal }
  const pages = storage.log.tail(from, options)
  const anchor = from === 'end' ? endOf(storage) : Promise.resolve(from)
  anchor.catch(() => {})
  return goOn(pages)

  async function* goOn(first: AsyncIterable<Page>): AsyncGenerator<Page> {
    let position: Position | undefined
    let pages = first
    for (let failures = 0; ; ) {
      try {
        for await (const page of pages) {
          failures = 0
          position = { after: page.position }
          yield page
          // A log that answers synchronously would keep everybody else waiting until its end.
          await new Promise((resolve) => setImmediate(resolve))
        }
        return
      } catch (error) {
        if (failures > 0 && error instanceof EventSystemError && error.code === 'closed') return
        if (!isRetryable(error)) throw error
        position ??= await anchor
      }
      if (!(await pause(clock, backoffMs(++failures, BACKOFF, Math.random), signal ?? NEVER))) return
      pages = storage.log.tail(position, options)
    }
  }
}

async function endOf({ log }: Storage): Promise<Position> {
  const { position } = await log.read({ from: 'end', limit: 1 })
  return { after: position }
}
