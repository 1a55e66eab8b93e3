import { setTimeout as sleep } from 'node:timers/promises'
import type { MessageId } from '../port.ts'
import type { BlockingLine, Connection } from './connection.ts'
import { compareMessageIds } from './message-id.ts'

/** The server holds a waiting read for so long, in ms, before it is asked anew. */
const BLOCK_MS = 5_000
/** After a failure the waiters look for themselves, and meet it there. Not more often than this, in ms. */
const AFTER_FAILURE_MS = 100
/** A waiter looks for itself after so long, in ms: not everything that there is to read was appended (another process may seek). */
const LOOK_AGAIN_MS = 1_000

interface Waiter {
  /** The newest id that the waiter knew of before it found nothing. */
  readonly after: MessageId
  readonly ring: () => void
}

/**
 * Tells readers that wait for something new that there is. All of them share one blocked read, which only rings: each
 * then reads for itself. It is held only while somebody waits.
 */
export class Doorbell {
  readonly #line: BlockingLine
  readonly #connection: Connection
  readonly #stream: string
  readonly #waiters = new Set<Waiter>()
  #isListening = false
  /** What the blocked read waits behind: never less than any waiter knew of. */
  #behind: MessageId = '0-0'

  constructor(line: BlockingLine, connection: Connection, stream: string) {
    this.#line = line
    this.#connection = connection
    this.#stream = stream
  }

  /**
   * The newest id that has been in the stream: to be asked for before the read that may find nothing, so that nothing
   * falls between. What the bell waits behind has been there too, also when a trim has taken it away since.
   */
  async newest(): Promise<MessageId> {
    const known = this.#behind
    const command = ['XREVRANGE', this.#stream, '+', '-', 'COUNT', '1']
    const [entry] = await this.#connection.read<[string, string[]][]>(command)
    return entry !== undefined && compareMessageIds(entry[0], known) > 0 ? entry[0] : known
  }

  /** Resolves when it is worth to look again: something behind `after` was appended, the time is up, the signal is aborted, or a while has passed. */
  wait(after: MessageId, timeoutMs: number, signal?: AbortSignal): Promise<void> {
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
        const command = ['XREAD', 'COUNT', '1', 'BLOCK', String(BLOCK_MS), 'STREAMS', this.#stream, this.#behind]
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
    for (const { after } of this.#waiters) {
      if (compareMessageIds(after, this.#behind) > 0) this.#behind = after
    }
    for (const { after, ring } of [...this.#waiters]) if (this.#knowsMoreThan(after)) ring()
  }

  #knowsMoreThan(after: MessageId): boolean {
    return compareMessageIds(after, this.#behind) < 0
  }
}
