import { setTimeout as sleep } from 'node:timers/promises'
import { EventSystemError } from '@tradpal/events'
import { type Client, isDriverError, newClient } from './driver.ts'
import { asLogError, closedError, timeoutError, unsentError } from './errors.ts'
import type { Locator } from './locator.ts'
import type { ConnectionChange } from './options.ts'

/** The first and the longest wait before a connection is tried again, in ms: doubled each time, half of it by chance. */
const FIRST_RETRY_MS = 20
const LONGEST_RETRY_MS = 1_000
/** So many calls may wait for their answers; more are refused, unsent. */
const MOST_IN_FLIGHT = 100_000

/** An answer as the protocol has it (RESP 2): texts, whole numbers, lists of them. */
export type Reply = string | number | null | Reply[]

export interface LineOptions {
  readonly locator: Locator
  /** For people, in messages. */
  readonly location: string
  /** How long one attempt to connect may take, in ms. */
  readonly connectTimeoutMs: number
  /** A server that was silent for so long while a call waited is given up, in ms. */
  readonly patienceMs: number
  /** Run on each new connection before it counts as one: rejects when the server there is not the one that is meant, or not ready. */
  readonly probe?: (send: (command: string[]) => Promise<unknown>) => Promise<void>
  readonly onChange?: (change: ConnectionChange) => void
}

/**
 * One connection to the server. Once opened it makes itself again whenever it is lost, and while it is lost every call
 * rejects at once. The client's own reconnecting is off: it would wait for ever for a server that takes the connection
 * and says nothing.
 */
export class Line {
  readonly #options: LineOptions
  readonly #closing = new AbortController()
  /** The connection, when there is one that is ready. */
  #client: Client | undefined
  #lost: EventSystemError | undefined
  #inFlight = 0
  #answers = 0
  #idle: PromiseWithResolvers<void> | undefined

  constructor(options: LineOptions) {
    this.#options = options
  }

  /** Tries for at most `timeoutMs`, when it has no connection. Rejects with `log_unavailable`, or `log_moved`; at once with `log_refused` and what the probe says. */
  async open(timeoutMs: number): Promise<void> {
    if (this.#client !== undefined) return
    const { connectTimeoutMs } = this.#options
    const deadline = performance.now() + timeoutMs
    let reason: EventSystemError | undefined
    for (let attempt = 0; ; attempt++) {
      const leftMs = deadline - performance.now()
      const error = await this.#attempt(Math.min(leftMs, connectTimeoutMs))
      if (error === undefined) return
      // The last attempt may have had no time to learn more than that nobody answered.
      if (reason === undefined || error.cause !== undefined || leftMs >= connectTimeoutMs) reason = error
      const pauseMs = retryMs(attempt)
      if (error.code !== 'log_unavailable' && error.code !== 'log_moved') throw error
      if (performance.now() + pauseMs >= deadline) throw reason
      await this.#pause(pauseMs)
    }
  }

  /** Rejects with `log_unavailable` when the command was not sent, with `log_timeout` when that or its effect is unknown. */
  send<R extends Reply>(command: readonly string[], effect: 'read' | 'write', timeoutMs: number): Promise<R> {
    const { location, patienceMs } = this.#options
    const client = this.#client
    if (client === undefined) {
      return Promise.reject(this.#closing.signal.aborted ? closedError() : unsentError(this.#lost, location))
    }
    if (this.#inFlight >= MOST_IN_FLIGHT) {
      const message = `${MOST_IN_FLIGHT} calls wait for Redis at ${location} already; this one was not sent.`
      return Promise.reject(new EventSystemError('log_unavailable', message))
    }
    this.#inFlight++
    const answersBefore = this.#answers
    return new Promise<R>((resolve, reject) => {
      let waits = true
      const settle = () => {
        waits = false
        clearTimeout(timer)
        if (--this.#inFlight === 0) this.#idle?.resolve()
      }
      const timer = setTimeout(() => {
        settle()
        const error = timeoutError(location, timeoutMs)
        reject(error)
        if (timeoutMs >= patienceMs && this.#answers === answersBefore) this.#lose(client, error)
      }, timeoutMs)
      client.sendCommand<R>(command as string[]).then(
        (reply) => {
          this.#answers++
          if (!waits) return
          settle()
          resolve(reply)
        },
        (error) => {
          if (!waits) return
          settle()
          if (this.#options.locator.isElsewhere(error)) this.#leave(client, this.#asLogError(error, effect))
          reject(
            isDriverError(error, 'DisconnectsClientError')
              ? this.#cutShort(error, effect)
              : this.#asLogError(error, effect)
          )
        }
      )
    })
  }

  /** Resolves when no call waits for its answer. */
  idle(): Promise<void> {
    if (this.#inFlight === 0) return Promise.resolve()
    this.#idle ??= Promise.withResolvers()
    return this.#idle.promise
  }

  /** Ends it at once, for good: calls that wait reject. Idempotent. */
  destroy(): void {
    this.#closing.abort()
    const client = this.#client
    this.#client = undefined
    client?.destroy()
  }

  #asLogError(error: unknown, effect: 'read' | 'write'): EventSystemError {
    const { locator, location } = this.#options
    return locator.explain(error, location) ?? asLogError(error, location, effect)
  }

  /** Why a call was ended from this side: we close, or the server was silent for too long. */
  #cutShort(error: Error, effect: 'read' | 'write'): EventSystemError {
    if (this.#closing.signal.aborted) {
      return effect === 'read' ? closedError() : asLogError(error, this.#options.location, effect)
    }
    return this.#lost?.code === 'log_timeout' ? this.#lost : asLogError(error, this.#options.location, effect)
  }

  /** Makes the connection. Resolves to what went wrong, or to nothing. */
  async #attempt(timeoutMs: number): Promise<EventSystemError | undefined> {
    const { location } = this.#options
    const stop = new AbortController()
    const signal = AbortSignal.any([stop.signal, this.#closing.signal])
    const connecting = this.#connect(timeoutMs, signal)
    connecting.catch(() => {})
    try {
      this.#client = await Promise.race([
        connecting,
        sleep(timeoutMs, undefined, { signal }).then(() => noAnswer(location, timeoutMs))
      ])
      return undefined
    } catch (error) {
      if (this.#closing.signal.aborted) throw closedError()
      this.#lost = this.#asLogError(error, 'read')
      return this.#lost
    } finally {
      stop.abort()
    }
  }

  /** Aborted before it is done, it leaves no connection behind. */
  async #connect(timeoutMs: number, signal: AbortSignal): Promise<Client> {
    const { locator, probe } = this.#options
    const client = await newClient(await locator.find(timeoutMs), timeoutMs)
    // Each failure also comes as an event, and one that nobody hears would end the process.
    client.on('error', (error) => this.#lose(client, this.#asLogError(error, 'read')))
    signal.throwIfAborted()
    const giveUp = () => client.destroy()
    signal.addEventListener('abort', giveUp)
    // The driver forgets a socket that was only being made when the client was destroyed.
    client.once('connect', () => {
      if (signal.aborted) giveUp()
    })
    try {
      await client.connect()
      await locator.check?.(client)
      await probe?.((command) => client.sendCommand(command))
      return client
    } catch (error) {
      locator.doubt?.()
      client.destroy()
      throw error
    } finally {
      signal.removeEventListener('abort', giveUp)
    }
  }

  /** What was asked of a server that has not the keys any more, it answers still; what comes next is for the one that has them. */
  #leave(client: Client, reason: EventSystemError): void {
    if (this.#client !== client) return
    this.#client = undefined
    this.#lost = reason
    client.close().catch(() => client.destroy())
    this.#tell({ connected: false, reason })
    void this.#reopen()
  }

  #lose(client: Client, reason: EventSystemError): void {
    if (this.#client !== client) return
    this.#client = undefined
    this.#lost = reason
    client.destroy()
    this.#tell({ connected: false, reason })
    void this.#reopen()
  }

  async #reopen(): Promise<void> {
    try {
      for (let attempt = 0; ; attempt++) {
        await this.#pause(retryMs(attempt))
        if ((await this.#attempt(this.#options.connectTimeoutMs)) === undefined) break
      }
      this.#tell({ connected: true })
    } catch (error) {
      if (!this.#closing.signal.aborted) throw error
    }
  }

  /** In a turn of its own: what the listener throws is its own affair and does not stop the reconnecting. */
  #tell(change: ConnectionChange): void {
    const { onChange } = this.#options
    if (onChange !== undefined) queueMicrotask(() => onChange(change))
  }

  async #pause(ms: number): Promise<void> {
    try {
      await sleep(ms, undefined, { signal: this.#closing.signal })
    } catch {
      throw closedError()
    }
  }
}

function retryMs(attempt: number): number {
  const longest = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempt, 10))
  return longest * (0.5 + Math.random() / 2)
}

function noAnswer(location: string, timeoutMs: number): never {
  const hint = location.startsWith('rediss') ? ', as one does that speaks no TLS; a URL with redis:// is for that' : ''
  throw new EventSystemError(
    'log_unavailable',
    `Redis at ${location} took the connection and said nothing for ${Math.round(timeoutMs)} ms${hint}.`
  )
}
