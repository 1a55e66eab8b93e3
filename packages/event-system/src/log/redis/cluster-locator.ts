import { EventSystemError } from '@tradpal/events'
import { atHost, type RedisAddress } from './address.ts'
import type { Client, Server } from './driver.ts'
import { asLogError, isRedirection } from './errors.ts'
import type { Locator } from './locator.ts'
import { questioning } from './questioning.ts'
import type { RedisTlsOptions } from './tls.ts'

/** A range of slots as CLUSTER SLOTS answers it: from, to, the master, its replicas; each node as host, port, id. */
type SlotRange = [from: number, to: number, ...nodes: [host: string | null, port: number, ...rest: unknown[]][]]

/** Finds the node of a cluster that has a key: it changes when nodes come, go and hand slots to each other. */
export class ClusterLocator implements Locator {
  readonly isElsewhere = isRedirection
  readonly #address: RedisAddress
  readonly #tls: RedisTlsOptions
  readonly #key: string
  /** Of the nodes that were there when they were asked last. */
  #nodes: readonly string[]

  constructor(address: RedisAddress, tls: RedisTlsOptions, key: string) {
    this.#address = address
    this.#tls = tls
    this.#key = key
    this.#nodes = address.servers
  }

  explain(): undefined {}

  /** Rejects with `log_unavailable` when no node that is known answers, or none has the key. */
  async find(timeoutMs: number): Promise<Server> {
    let failure: EventSystemError | undefined
    for (const node of new Set([...this.#nodes, ...this.#address.servers])) {
      try {
        return await this.#ask(node, timeoutMs)
      } catch (error) {
        failure = this.#asLogError(error)
      }
    }
    throw failure
  }

  #asLogError(error: unknown): EventSystemError {
    if (!(error instanceof Error && error.message.includes('cluster support disabled'))) {
      return asLogError(error, this.#address.location, 'read')
    }
    const message = `There is no Redis Cluster at ${this.#address.location}: the URL of a single server begins with redis://.`
    return new EventSystemError('log_incompatible', message, { cause: error })
  }

  async #ask(node: string, timeoutMs: number): Promise<Server> {
    const tls = this.#tls
    const url = await questioning({ url: node, tls }, timeoutMs, (client) => this.#ownerBy(client, node))
    return { url, tls }
  }

  async #ownerBy(client: Client, node: string): Promise<string> {
    const [slot, ranges] = await Promise.all([
      client.sendCommand<number>(['CLUSTER', 'KEYSLOT', this.#key]),
      client.sendCommand<SlotRange[]>(['CLUSTER', 'SLOTS'])
    ])
    // A node that does not know its own name is reached under the one that it was asked by.
    const urlOf = ([host, port]: SlotRange[2]) => atHost(node, host || new URL(node).hostname, port)
    this.#nodes = [...new Set(ranges.flatMap(([, , ...nodes]) => nodes.map(urlOf)))]
    const owner = ranges.find(([from, to]) => from <= slot && slot <= to)?.[2]
    if (owner !== undefined) return urlOf(owner)
    throw new EventSystemError(
      'log_unavailable',
      `No node of the Redis Cluster at ${this.#address.location} has the slot ${slot}.`
    )
  }
}
