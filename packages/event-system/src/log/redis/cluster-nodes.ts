import { setTimeout as sleep } from 'node:timers/promises'
import { EventSystemError } from '@tradpal/events'
import type { Server } from './driver.ts'
import { closedError, isReply } from './errors.ts'
import { Line, type Reply } from './line.ts'
import { fixedLocator } from './locator.ts'
import { type LocatorOptions, newLocator } from './locators.ts'

/** So often a call is made again, at the node that has the key then, and after so long at first, doubled each time, in ms. */
const MOST_ATTEMPTS = 5
const FIRST_PAUSE_MS = 20

export interface ClusterNodesOptions extends LocatorOptions {
  readonly connectTimeoutMs: number
  readonly timeoutMs: number
}

interface NodeLine {
  readonly line: Line
  readonly opened: Promise<void>
}

/** The nodes of a cluster, for keys that may stand on any: a connection to each that has one of them, made when it is first needed. */
export class ClusterNodes {
  readonly #options: ClusterNodesOptions
  /** By key: the node that has it, as far as is known. */
  readonly #servers = new Map<string, Promise<Server>>()
  readonly #lines = new Map<string, NodeLine>()
  #closed = false

  constructor(options: ClusterNodesOptions) {
    this.#options = options
  }

  /** Sends a command to the node of a key, as {@link Line.send} does. */
  async send<R extends Reply>(
    key: string,
    command: readonly string[],
    effect: 'read' | 'write',
    timeoutMs = this.#options.timeoutMs
  ): Promise<R> {
    for (let attempt = 1; ; attempt++) {
      try {
        const { line, opened } = this.#lineTo(await this.#serverOf(key))
        await opened
        return await line.send<R>(command, effect, timeoutMs)
      } catch (error) {
        const hasMoved = isReply(error, 'MOVED') || isReply(error, 'ASK') || isReply(error, 'TRYAGAIN')
        if (hasMoved || (error instanceof EventSystemError && error.code === 'log_unavailable')) await this.#forget(key)
        if (!hasMoved || attempt === MOST_ATTEMPTS) throw error
        await sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1))
      }
    }
  }

  /** Ends all connections, and what waits on them. Idempotent. */
  close(): void {
    this.#closed = true
    for (const { line } of this.#lines.values()) line.destroy()
    this.#lines.clear()
  }

  #serverOf(key: string): Promise<Server> {
    const known = this.#servers.get(key)
    if (known !== undefined) return known
    const found = newLocator(this.#options, key).find(this.#options.connectTimeoutMs)
    this.#servers.set(key, found)
    found.catch(() => this.#servers.delete(key))
    return found
  }

  #lineTo(server: Server): NodeLine {
    const { url } = server
    if (this.#closed) throw closedError()
    const known = this.#lines.get(url)
    if (known !== undefined) return known
    const { connectTimeoutMs, timeoutMs: patienceMs } = this.#options
    const location = `redis://${new URL(url).host}`
    const line = new Line({ locator: fixedLocator(server), location, connectTimeoutMs, patienceMs })
    const node = { line, opened: line.open(connectTimeoutMs) }
    this.#lines.set(url, node)
    node.opened.catch(() => this.#end(url, node))
    return node
  }

  /** The next call asks anew where the key is. A node that has none any more is let go. */
  async #forget(key: string): Promise<void> {
    const url = (await this.#servers.get(key)?.catch(() => undefined))?.url
    this.#servers.delete(key)
    const others = await Promise.allSettled(this.#servers.values())
    const isNeeded = others.some((other) => other.status === 'fulfilled' && other.value.url === url)
    const node = url === undefined ? undefined : this.#lines.get(url)
    if (node !== undefined && url !== undefined && !isNeeded) this.#end(url, node)
  }

  #end(url: string, node: NodeLine): void {
    node.line.destroy()
    if (this.#lines.get(url) === node) this.#lines.delete(url)
  }
}
