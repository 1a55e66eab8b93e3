import { setTimeout as sleep } from 'node:timers/promises'
import { EventSystemError } from '@tradpal/events'
import { createClient } from 'redis'
import { asLogError, timeoutError } from './errors.ts'
import { locationOf, type ResolvedRedisLogOptions } from './options.ts'

/** The longest wait before a lost connection is tried again, in ms. */
const MAX_RECONNECT_MS = 1_000

type Client = ReturnType<typeof newClient>
/** An answer as the protocol has it (RESP 2): texts, whole numbers, lists of them. */
export type Reply = string | number | null | Reply[]

/**
 * The two connections of a log: one for commands, one that a blocked read may hold. A connection that is lost is made
 * again by itself; while it is lost, calls reject at once.
 */
export class Connection {
  readonly location: string
  readonly #options: ResolvedRedisLogOptions
  #commands: Client | undefined
  #blocking: Client | undefined
  #state: 'new' | 'open' | 'closed' = 'new'
  #inFlight = 0

  constructor(options: ResolvedRedisLogOptions) {
    this.#options = options
    this.location = locationOf(options.url, options.streamName)
  }

  /** Idempotent. Rejects with `log_unavailable` or `log_refused`; may be tried again. */
  async open(): Promise<void> {
    if (this.#state === 'closed') throw closedError()
    if (this.#commands !== undefined) return
    this.#commands = await this.#connect()
    this.#state = 'open'
  }

  /** Sends a command that changes nothing. */
  read<R extends Reply>(command: readonly string[], timeoutMs = this.#options.timeoutMs): Promise<R> {
    return this.#call<R>(command, 'read', timeoutMs)
  }

  /** Sends a command whose effect must be known: when the connection breaks before the answer, it rejects with `log_timeout`. */
  write<R extends Reply>(command: readonly string[], timeoutMs = this.#options.timeoutMs): Promise<R> {
    return this.#call<R>(command, 'write', timeoutMs)
  }

  /** Sends a command that waits at the server, on the connection that is there for it. */
  async block<R extends Reply>(command: readonly string[]): Promise<R> {
    if (this.#state !== 'open') throw closedError()
    this.#blocking ??= await this.#connect()
    try {
      return (await this.#blocking.sendCommand([...command])) as R
    } catch (error) {
      throw asLogError(error, this.location, 'read')
    }
  }

  /** Lets calls under way finish for at most `timeoutMs`, and ends the blocked read at once. Idempotent. */
  async close(timeoutMs: number): Promise<void> {
    this.#state = 'closed'
    if (this.#blocking?.isOpen) this.#blocking.destroy()
    const deadline = performance.now() + timeoutMs
    while (this.#inFlight > 0 && performance.now() < deadline) await sleep(2)
    if (this.#commands?.isOpen) this.#commands.destroy()
  }

  async #call<R extends Reply>(command: readonly string[], effect: 'read' | 'write', timeoutMs: number): Promise<R> {
    if (this.#state === 'closed') throw closedError()
    if (this.#commands === undefined) throw new EventSystemError('not_started', 'The log is not started; call start() first.')
    const { promise: timedOut, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(() => reject(timeoutError(this.location, timeoutMs)), timeoutMs)
    this.#inFlight++
    try {
      return (await Promise.race([this.#commands.sendCommand(command as string[]), timedOut])) as R
    } catch (error) {
      throw asLogError(error, this.location, effect)
    } finally {
      clearTimeout(timer)
      this.#inFlight--
    }
  }

  async #connect(): Promise<Client> {
    const client = newClient(this.#options)
    // Every failure reaches its caller; the client also emits it, and an unheard 'error' event would end the process.
    client.on('error', () => {})
    try {
      await client.connect()
      return client
    } catch (error) {
      if (client.isOpen) client.destroy()
      throw asLogError(error, this.location, 'read')
    }
  }
}

function newClient({ url, connectTimeoutMs }: ResolvedRedisLogOptions) {
  let connected = false
  const client = createClient({
    url,
    RESP: 2,
    disableOfflineQueue: true,
    socket: {
      connectTimeout: connectTimeoutMs,
      reconnectStrategy: (retries, cause) =>
        connected ? Math.random() * Math.min(MAX_RECONNECT_MS, 20 * 2 ** Math.min(retries, 10)) : cause
    }
  })
  client.once('ready', () => {
    connected = true
  })
  return client
}

function closedError(): EventSystemError {
  return new EventSystemError('closed', 'The log is closed.')
}
