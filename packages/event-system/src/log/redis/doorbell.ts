import { setTimeout as sleep } from 'node:timers/promises'
import type { MessageId } from '../port.ts'
import type { BlockingLine, Connection } from './connection.ts'
import { compareKnownIds } from './message-id.ts'

/** The server holds a waiting read for so long, in ms, before it is asked anew. */
const BLOCK_MS = 5_000
/** After a failure the waiters look for themselves, and meet it there. Not more often than this, in ms. */
const AFTER_FAILURE_MS = 100
/** A waiter looks for itself after so long, in ms: not everything that there is to read was appended (another process may seek). */
const LOOK_AGAIN_MS = 1_000

/** For each stream the newest id that has been in it; a stream that is left out has had none. */
export type Newest = readonly MessageId[]

/** The streams in which something new may appear. */
export interface Watched {
  /** A list that only grows, and whose order stays. */
  readonly streams: readonly string[]
  /** In the order of the streams. */
  newest(): Promise<Newest>
}

/** A log in one stream. */
export function oneStream(connection: Connection, stream: string): Watched {
  return {
    streams: [stream],
    async newest() {
      const [entry] = await connection.read<[string, string[]][]>(['XREVRANGE', stream, '+', '-', 'COUNT', '1'])
      return [entry?.[0] ?? NONE]
    }
  }
}

const NONE = '0-0'

interface Waiter {
  /** What the waiter knew of before it found nothing. */
  readonly after: Newest
  readonly ring: () => void
}

/**
 * Tells readers that wait for something new that there is. All of them share one blocked read, which only rings: each
 * then reads for itself. It is held only while somebody waits.
 */
export class Doorbell {
  readonly #line: BlockingLine
  readonly #watched: Watched
  readonly #waiters = new Set<Waiter>()
  #isListening = false
  /** What the blocked read waits behind: never less than any waiter knew of. */
  #behind: Newest = []

  constructor(line: BlockingLine, watched: Watched) {
    this.#line = line
    this.#watched = watched
  }

  /**
   * The newest ids that have been in the streams: to be asked for before the read that may find nothing, so that nothing
   * falls between. What the bell waits behind has been there too, also when a trim has taken it away since.
   */
  async newest(): Promise<Newest> {
    const known = this.#behind
    return newerOf(known, await this.#watched.newest())
  }

  /** Resolves when it is worth to look again: something behind `after` was appended, the time is up, the signal is aborted, or a while has passed. */
  wait(after: Newest, timeoutMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        this.#waiters.delete(waiter)
        resolve()
      }
      const waiter: Waiter = { after, ring: done }
      const timer = setTimeout(done, Math.min(timeoutMs, LOOK_AGAIN_MS))
      signal?.addEventListener('abort', done, { once: true })
      this.#waiters.add(waiter)
      if (!this.#isListening) void this.#listen()
      else if (this.#knowsMoreThan(after)) done()
    })
  }

  /** Wakes everybody. */
  ringAll(): void {
    for (const { ring } of [...this.#waiters]) ring()
  }

  async #listen(): Promise<void> {
    this.#isListening = true
    while (this.#waiters.size > 0) {
      this.#catchUp()
      try {
        const { streams } = this.#watched
        const behind = streams.map((_, i) => this.#behind[i] ?? NONE)
        const command = ['XREAD', 'COUNT', '1', 'BLOCK', String(BLOCK_MS), 'STREAMS', ...streams, ...behind]
        if ((await this.#line.block(command, BLOCK_MS)) !== null) this.ringAll()
      } catch {
        await sleep(AFTER_FAILURE_MS)
        this.ringAll()
      }
    }
    this.#isListening = false
  }

  /** Listens behind the newest id that any waiter knows of, and wakes those who know of less. */
  #catchUp(): void {
    for (const { after } of this.#waiters) this.#behind = newerOf(this.#behind, after)
    for (const { after, ring } of [...this.#waiters]) if (this.#knowsMoreThan(after)) ring()
  }

  #knowsMoreThan(after: Newest): boolean {
    return this.#behind.some((id, i) => compareKnownIds(after[i] ?? NONE, id) < 0)
  }
}

/** Stream by stream. */
function newerOf(a: Newest, b: Newest): Newest {
  const [longer, shorter] = a.length < b.length ? [b, a] : [a, b]
  return longer.map((id, i) => {
    const other = shorter[i] ?? NONE
    return compareKnownIds(id, other) < 0 ? other : id
  })
}
