import { setTimeout as sleep } from 'node:timers/promises'
import { EventSystemError } from '@tradpal/events'
import type { Server } from './driver.ts'
import { confirmationOf, mustConfirm, type RedisDurability } from './durability.ts'
import { DurableLine } from './durable-line.ts'
import { closedError } from './errors.ts'
import { Line, type Reply } from './line.ts'
import { fixedLocator } from './locator.ts'
import { type LocatorOptions, newLocator } from './locators.ts'

/** So often a call is made again, at the node that has the key then, and after so long at first, doubled each time, in ms. */
const MOST_ATTEMPTS = 5
const FIRST_PAUSE_MS = 20

export interface ClusterNodesOptions extends LocatorOptions {
  readonly connectTimeoutMs: number
  readonly timeoutMs: number
  readonly durability: RedisDurability
}

interface NodeLine {
  readonly line: Line
  readonly opened: Promise<void>
  send<R extends Reply>(command: readonly string[], effect: 'read' | 'write', timeoutMs: number): Promise<R>
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

  /** Sends a command to the node of a key, as {@link Line.send} does; `durable` is a write that is confirmed as the options say. */
  async send<R extends Reply>(
    key: string,
    command: readonly string[],
    effect: 'read' | 'write' | 'durable',
    timeoutMs = this.#options.timeoutMs
  ): Promise<R> {
    for (let attempt = 1; ; attempt++) {
      try {
        const isDurable = effect === 'durable' && this.#options.durability !== 'memory'
        const node = this.#lineTo(await this.#serverOf(key), isDurable)
        await node.opened
        return await node.send<R>(command, effect === 'read' ? 'read' : 'write', timeoutMs)
      } catch (error) {
        const code = error instanceof EventSystemError ? error.code : undefined
        const hasMoved = code === 'log_moved'
        if (hasMoved || code === 'log_unavailable') await this.#forget(key)
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

  #lineTo(server: Server, isDurable: boolean): NodeLine {
    if (this.#closed) throw closedError()
    const name = isDurable ? durableName(server.url) : server.url
    const known = this.#lines.get(name)
    if (known !== undefined) return known
    const node = this.#newLine(server, isDurable)
    this.#lines.set(name, node)
    node.opened.catch(() => {
      node.line.destroy()
      if (this.#lines.get(name) === node) this.#lines.delete(name)
    })
    return node
  }

  #newLine(server: Server, isDurable: boolean): NodeLine {
    const { connectTimeoutMs, timeoutMs: patienceMs, durability } = this.#options
    const { protocol, host } = new URL(server.url)
    const location = `${protocol}//${host}`
    const options = { locator: fixedLocator(server), location, connectTimeoutMs, patienceMs }
    const confirmation = isDurable ? confirmationOf(durability) : undefined
    if (confirmation === undefined) {
      const line = new Line(options)
      return { line, opened: line.open(connectTimeoutMs), send: (...call) => line.send(...call) }
    }
    const line = new Line({ ...options, probe: (send) => mustConfirm(confirmation, location, send) })
    const durable = new DurableLine(line, confirmation, undefined, location)
    const opened = line.open(connectTimeoutMs)
    return { line, opened, send: (command, _, timeoutMs) => durable.send(command, timeoutMs) }
  }

  /** The next call asks anew where the key is. A node that has none any more is let go. */
  async #forget(key: string): Promise<void> {
    const url = (await this.#servers.get(key)?.catch(() => undefined))?.url
    this.#servers.delete(key)
    const others = await Promise.allSettled(this.#servers.values())
    const isNeeded = others.some((other) => other.status === 'fulfilled' && other.value.url === url)
    if (url === undefined || isNeeded) return
    this.#end(url)
    this.#end(durableName(url))
  }

  #end(name: string): void {
    this.#lines.get(name)?.line.destroy()
    this.#lines.delete(name)
  }
}

/** By which the line for what is durable is known, beside the other one to the same node. */
function durableName(url: string): string {
  return `${url} durable`
}
