import { setTimeout as sleep } from 'node:timers/promises'
import { EventSystemError, isRetryable } from '@tradpal/events'
import { loadDriver } from './driver.ts'
import { confirmationOf, mustConfirm } from './durability.ts'
import { DurableLine } from './durable-line.ts'
import { closedError, unsentError } from './errors.ts'
import { Line, type LineOptions, type Reply } from './line.ts'
import type { Locator } from './locator.ts'
import { newLocator } from './locators.ts'
import type { ResolvedRedisStorageOptions } from './options.ts'

export type { Reply } from './line.ts'

/** A connection that a blocked read may hold: of one reader at a time. It is made when it is first used. */
export interface BlockingLine {
  /** Sends a command that waits at the server for at most `waitMs`. */
  block<R extends Reply>(command: readonly string[], waitMs: number): Promise<R>
}

/** Sends what changes something. */
export interface Writer {
  write<R extends Reply>(command: readonly string[], timeoutMs?: number): Promise<R>
}

/** The connections of a log: one for commands, one for what is to be confirmed as durable, and those that blocked reads may hold. */
export class Connection {
  readonly location: string
  readonly #options: ResolvedRedisStorageOptions
  readonly #locator: Locator
  readonly #commands: Line
  readonly #durable: { readonly line: Line; readonly confirmed: DurableLine } | undefined
  /** For what must be durable, as the options say, when its write resolves. */
  readonly durable: Writer
  readonly #blocking = new Set<Line>()
  #state: 'new' | 'open' | 'closed' = 'new'
  #opening: Promise<void> | undefined
  /** Why it could not be opened when that was last tried. */
  #notOpenBecause: unknown

  /** `mark`: the key that is written before what is durable is confirmed. */
  constructor(options: ResolvedRedisStorageOptions, mark: string) {
    this.#options = options
    this.location = `${options.address.location} ${options.streamName}`
    this.#locator = newLocator(options, options.streamName)
    const onChange = options.onConnectionChange
    this.#commands = new Line({ ...this.#lineOptions(), onChange, probe: (send) => this.#mustBeStream(send) })
    const confirmation = confirmationOf(options.durability)
    if (confirmation !== undefined) {
      const line = new Line({
        ...this.#lineOptions(),
        probe: (send) => mustConfirm(confirmation, this.location, send)
      })
      this.#durable = { line, confirmed: new DurableLine(line, confirmation, mark, this.location) }
    }
    this.durable = this.#durable === undefined ? this : this.#confirming(this.#durable.confirmed)
  }

  #lineOptions(): LineOptions {
    const { connectTimeoutMs, timeoutMs: patienceMs } = this.#options
    return { locator: this.#locator, location: this.location, connectTimeoutMs, patienceMs }
  }

  /** Idempotent. Rejects with `log_unavailable`, `log_refused` or `log_incompatible`, and may be tried again. */
  async open(): Promise<void> {
    if (this.#state === 'closed') throw closedError()
    if (this.#state === 'open') return
    this.#opening ??= this.#openLines().finally(() => {
      this.#opening = undefined
    })
    await this.#opening.catch((error) => {
      this.#notOpenBecause = error
      throw error
    })
    if (this.#state === 'new') this.#state = 'open'
  }

  async #openLines(): Promise<void> {
    const { connectTimeoutMs } = this.#options
    // On a busy machine this can take seconds, in which no server was asked yet.
    await loadDriver()
    await this.#commands.open(connectTimeoutMs)
    await this.#durable?.line.open(connectTimeoutMs)
  }

  #confirming(confirmed: DurableLine): Writer {
    return {
      write: <R extends Reply>(command: readonly string[], timeoutMs = this.#options.timeoutMs) =>
        this.#whenOpen(() => confirmed.send<R>(command, timeoutMs))
    }
  }

  /** Sends a command that changes nothing. */
  read<R extends Reply>(command: readonly string[]): Promise<R> {
    return this.#call<R>(command, 'read', this.#options.timeoutMs)
  }

  /** Sends a command whose effect must be known: when the connection breaks before the answer, it rejects with `log_timeout`. */
  write<R extends Reply>(command: readonly string[], timeoutMs = this.#options.timeoutMs): Promise<R> {
    return this.#call<R>(command, 'write', timeoutMs)
  }

  newBlockingLine(): BlockingLine {
    let current: { line: Line; opened: Promise<void> } | undefined
    const open = () => {
      const line = new Line(this.#lineOptions())
      this.#blocking.add(line)
      return { line, opened: line.open(this.#options.connectTimeoutMs) }
    }
    const giveUp = (line: Line) => {
      line.destroy()
      this.#blocking.delete(line)
      current = undefined
    }
    return {
      block: async (command, waitMs) => {
        if (this.#state !== 'open') throw closedError()
        current ??= open()
        const { line, opened } = current
        try {
          await opened
        } catch (error) {
          if (current?.line === line) giveUp(line)
          throw error
        }
        return line.send(command, 'read', waitMs + this.#options.timeoutMs)
      }
    }
  }

  /** Lets calls under way finish for at most `timeoutMs`, and ends the blocked reads at once. Idempotent. */
  async close(timeoutMs: number): Promise<void> {
    this.#state = 'closed'
    for (const line of this.#blocking) line.destroy()
    const stop = new AbortController()
    const timeIsUp = sleep(timeoutMs, undefined, { signal: stop.signal }).catch(() => {})
    await Promise.race([Promise.all([this.#commands.idle(), this.#durable?.line.idle()]), timeIsUp])
    stop.abort()
    this.#commands.destroy()
    this.#durable?.line.destroy()
  }

  async #mustBeStream(send: (command: string[]) => Promise<unknown>): Promise<void> {
    const { streamName } = this.#options
    const type = await send(['TYPE', streamName])
    if (type === 'stream' || type === 'none') return
    throw new EventSystemError(
      'log_incompatible',
      `The key ${streamName} in Redis at ${this.location} is a ${type}, no stream; choose another EVENT_STREAM_NAME.`
    )
  }

  #call<R extends Reply>(command: readonly string[], effect: 'read' | 'write', timeoutMs: number): Promise<R> {
    return this.#whenOpen(() => this.#commands.send<R>(command, effect, timeoutMs))
  }

  #whenOpen<Result>(call: () => Promise<Result>): Promise<Result> {
    if (this.#state === 'open') return call()
    if (this.#state === 'closed') return Promise.reject(closedError())
    const error = this.#notOpenBecause
    if (isRetryable(error)) return Promise.reject(unsentError(error, this.location))
    return Promise.reject(new EventSystemError('not_started', 'The log is not started; call start() first.'))
  }
}
