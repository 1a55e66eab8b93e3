import { setTimeout as sleep } from 'node:timers/promises'
import { EventSystemError } from '@tradpal/events'
import { closedError } from './errors.ts'
import { Line, type Reply } from './line.ts'
import { locationOf, type ResolvedRedisLogOptions } from './options.ts'

export type { Reply } from './line.ts'

/** The two connections of a log: one for commands, one that a blocked read may hold. */
export class Connection {
  readonly location: string
  readonly #options: ResolvedRedisLogOptions
  readonly #commands: Line
  readonly #blocking: Line
  #state: 'new' | 'open' | 'closed' = 'new'
  #opening: Promise<void> | undefined
  #blockingIsOpen = false

  constructor(options: ResolvedRedisLogOptions) {
    const { url, streamName, connectTimeoutMs, timeoutMs: patienceMs, onConnectionChange: onChange } = options
    this.#options = options
    this.location = locationOf(url, streamName)
    const line = { url, location: this.location, connectTimeoutMs, patienceMs }
    this.#commands = new Line({ ...line, onChange, probe: (send) => this.#mustBeStream(send) })
    this.#blocking = new Line(line)
  }

  /** Idempotent. Rejects with `log_unavailable`, `log_refused` or `log_incompatible`, and may be tried again. */
  async open(): Promise<void> {
    if (this.#state === 'closed') throw closedError()
    if (this.#state === 'open') return
    this.#opening ??= this.#commands.open(this.#options.connectTimeoutMs).finally(() => {
      this.#opening = undefined
    })
    await this.#opening
    if (this.#state === 'new') this.#state = 'open'
  }

  /** Sends a command that changes nothing. */
  read<R extends Reply>(command: readonly string[]): Promise<R> {
    return this.#call<R>(command, 'read', this.#options.timeoutMs)
  }

  /** Sends a command whose effect must be known: when the connection breaks before the answer, it rejects with `log_timeout`. */
  write<R extends Reply>(command: readonly string[], timeoutMs = this.#options.timeoutMs): Promise<R> {
    return this.#call<R>(command, 'write', timeoutMs)
  }

  /** Sends a command that waits at the server for at most `waitMs`, on the connection that is there for it. */
  async block<R extends Reply>(command: readonly string[], waitMs: number): Promise<R> {
    if (this.#state !== 'open') throw closedError()
    if (!this.#blockingIsOpen) {
      await this.#blocking.open(this.#options.connectTimeoutMs)
      this.#blockingIsOpen = true
    }
    return this.#blocking.send<R>(command, 'read', waitMs + this.#options.timeoutMs)
  }

  /** Lets calls under way finish for at most `timeoutMs`, and ends the blocked read at once. Idempotent. */
  async close(timeoutMs: number): Promise<void> {
    this.#state = 'closed'
    this.#blocking.destroy()
    const stop = new AbortController()
    const timeIsUp = sleep(timeoutMs, undefined, { signal: stop.signal }).catch(() => {})
    await Promise.race([this.#commands.idle(), timeIsUp])
    stop.abort()
    this.#commands.destroy()
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
    if (this.#state === 'open') return this.#commands.send<R>(command, effect, timeoutMs)
    if (this.#state === 'closed') return Promise.reject(closedError())
    return Promise.reject(new EventSystemError('not_started', 'The log is not started; call start() first.'))
  }
}
