import { EventSystemError } from '@tradpal/events'
import { atHost, type RedisAddress } from './address.ts'
import type { Client, Server } from './driver.ts'
import { asLogError, replyWord } from './errors.ts'
import type { Locator } from './locator.ts'
import { questioning } from './questioning.ts'
import type { RedisTlsOptions } from './tls.ts'

/** What sentinels are told; neither of both where they ask for nothing. */
export interface Credentials {
  readonly username?: string | undefined
  readonly password?: string | undefined
}

/** How a server says that it is the master no more: to a write, and to a read that waited when it became a replica. */
const DEMOTED = ['READONLY', 'UNBLOCKED', 'MASTERDOWN']

/** Finds the master that sentinels watch: after a failover it is another server. */
export class SentinelLocator implements Locator {
  readonly #address: RedisAddress
  readonly #tls: RedisTlsOptions
  readonly #credentials: Credentials | undefined
  /** As they are asked: first the one that was right last, last the one that was wrong. */
  #sentinels: readonly string[]

  constructor(address: RedisAddress, tls: RedisTlsOptions, credentials: Credentials | undefined) {
    this.#address = address
    this.#tls = tls
    this.#credentials = credentials
    this.#sentinels = address.servers
  }

  /** Rejects with `log_unavailable` while no sentinel answers, or none knows a master, and with `log_incompatible` when all of them answer that there is none of that name. */
  async find(timeoutMs: number): Promise<Server> {
    // The last share of the time is the master's.
    const shareMs = timeoutMs / (this.#sentinels.length + 1)
    const failures: EventSystemError[] = []
    for (const sentinel of this.#sentinels) {
      try {
        const url = await this.#ask(sentinel, shareMs)
        this.#sentinels = [sentinel, ...this.#sentinels.filter((other) => other !== sentinel)]
        return { url, tls: this.#tls }
      } catch (error) {
        failures.push(asLogError(error, `the sentinel ${new URL(sentinel).host}`, 'read'))
      }
    }
    throw failures.find(({ retryable }) => retryable) ?? failures[0]
  }

  /** A sentinel that has not heard of a failover yet names the old master, which may be back as a replica. */
  async check(client: Client): Promise<void> {
    const [role] = await client.sendCommand<[string, ...unknown[]]>(['ROLE'])
    if (role === 'master') return
    const message = `The sentinels of ${this.#address.location} name a server as its master that is a ${role}; they are asked again.`
    throw new EventSystemError('log_unavailable', message)
  }

  /** The next time another one is asked first. */
  doubt(): void {
    const [first, ...others] = this.#sentinels
    this.#sentinels = [...others, first as string]
  }

  isElsewhere(error: unknown): boolean {
    return DEMOTED.includes(replyWord(error))
  }

  explain(error: unknown, location: string): EventSystemError | undefined {
    if (!this.isElsewhere(error)) return undefined
    const message = `The server that was the master of ${location} is a replica now; the sentinels are asked for the new one. Nothing was written.`
    return new EventSystemError('log_unavailable', message, { cause: error })
  }

  /** With the credentials of the master, when none are given: a sentinel that has none of its own refuses them, and is asked without. */
  async #ask(sentinel: string, timeoutMs: number): Promise<string> {
    const given = this.#credentials
    if (given !== undefined) return this.#masterBy(withCredentials(sentinel, given), sentinel, timeoutMs)
    try {
      return await this.#masterBy(sentinel, sentinel, timeoutMs)
    } catch (error) {
      const { username, password } = new URL(sentinel)
      const isOfCredentials = replyWord(error) === 'WRONGPASS' || /without any password/.test(String(error))
      if (!isOfCredentials || username + password === '') throw error
      return this.#masterBy(withCredentials(sentinel, {}), sentinel, timeoutMs).catch(() => {
        throw error
      })
    }
  }

  async #masterBy(asked: string, sentinel: string, timeoutMs: number): Promise<string> {
    const { master = '', location } = this.#address
    const server = { url: withoutDatabase(asked), tls: this.#tls }
    const answer = await questioning(server, timeoutMs, (client) =>
      client.sendCommand<[host: string, port: string] | null>(['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', master])
    ).catch((error) => {
      if (!/unknown command/i.test(String(error))) throw error
      const message = `${new URL(sentinel).host} is no sentinel: the URL of a single server begins with redis://.`
      throw new EventSystemError('log_incompatible', message, { cause: error })
    })
    if (answer !== null) return atHost(sentinel, answer[0], Number(answer[1]))
    throw new EventSystemError('log_incompatible', `The sentinels of ${location} know no master named ${master}.`)
  }
}

function withCredentials(url: string, { username = '', password = '' }: Credentials): string {
  const changed = new URL(url)
  changed.username = encodeURIComponent(username)
  changed.password = encodeURIComponent(password)
  return changed.href
}

function withoutDatabase(url: string): string {
  const changed = new URL(url)
  changed.pathname = ''
  return changed.href
}
