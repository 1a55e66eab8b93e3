import { EventSystemError } from '@tradpal/events'
import type { Confirmation } from './durability.ts'
import type { Line, Reply } from './line.ts'

/** Of the time of a call, what is left for the answer to come back: a share, and at most so many ms. */
const WAY_BACK = 0.2
const LONGEST_WAY_BACK_MS = 500

/**
 * Writes that resolve when they are durable. The confirmation is asked for in the same round trip, once for all that are
 * sent in one turn of the event loop. It waits at the server, which does nothing else for this connection meanwhile: the
 * line is only for such writes.
 */
export class DurableLine {
  readonly #line: Line
  readonly #confirmation: Confirmation
  /** A key that is written before each confirmation: Redis confirms a connection's own writes, and of an event that is there already it makes none. */
  readonly #mark: string
  readonly #location: string
  /** What is to be confirmed at the end of this turn, by the time that it has. */
  readonly #turn = new Map<number, Promise<number>>()

  constructor(line: Line, confirmation: Confirmation, mark: string, location: string) {
    this.#line = line
    this.#confirmation = confirmation
    this.#mark = mark
    this.#location = location
  }

  /** As {@link Line.send}; rejects with `log_timeout` also when it was written and is not known to be durable. */
  async send<R extends Reply>(command: readonly string[], timeoutMs: number): Promise<R> {
    const writing = this.#line.send<R>(command, 'write', timeoutMs)
    const confirming = this.#confirmed(timeoutMs)
    confirming.catch(() => {})
    const reply = await writing
    const { by, replicas } = this.#confirmation
    const needed = by === 'fsync' ? 1 : replicas
    const how = by === 'fsync' ? 'that it is in the append-only file' : `that ${replicas} of its replicas have it`
    const count = await confirming.catch((error) => {
      throw this.#unconfirmed(`nobody said in time ${how}`, error)
    })
    if (count >= needed) return reply
    throw this.#unconfirmed(
      by === 'fsync'
        ? `it did not say in time ${how}`
        : `only ${count} of ${replicas} replicas said in time that they have it`
    )
  }

  /** Resolves to how many have all that was sent in this turn. */
  #confirmed(timeoutMs: number): Promise<number> {
    const known = this.#turn.get(timeoutMs)
    if (known !== undefined) return known
    const confirming = Promise.resolve().then(() => {
      this.#turn.delete(timeoutMs)
      return this.#confirm(timeoutMs)
    })
    this.#turn.set(timeoutMs, confirming)
    return confirming
  }

  async #confirm(timeoutMs: number): Promise<number> {
    const { by, replicas } = this.#confirmation
    const waitMs = String(Math.max(1, Math.ceil(timeoutMs - Math.min(LONGEST_WAY_BACK_MS, timeoutMs * WAY_BACK))))
    const command = by === 'fsync' ? ['WAITAOF', '1', '0', waitMs] : ['WAIT', String(replicas), waitMs]
    const marking = this.#line.send(['SET', this.#mark, ''], 'write', timeoutMs)
    const waiting = this.#line.send<number | [local: number, replicas: number]>(command, 'read', timeoutMs)
    const [answer] = await Promise.all([waiting, marking])
    return typeof answer === 'number' ? answer : answer[0]
  }

  #unconfirmed(how: string, cause?: unknown): EventSystemError {
    const message = `Redis at ${this.#location} has written it, but ${how}: the loss of that server may lose it. Publishing the same event again is safe, and asks again.`
    return new EventSystemError('log_timeout', message, { cause })
  }
}
