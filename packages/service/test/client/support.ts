import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { EventClient, type EventClientOptions, type Subscription } from '@tradpal/event-client'
import { waitFor } from '@tradpal/event-system/testing'
import { createEvent, type Event, EventType, type StoredEvent } from '@tradpal/events'
import { onTestFinished } from 'vitest'
import { COMMAND } from '../../../../test/support/bundled-command.ts'
import { freePort } from '../../../../test/support/free-port.ts'

/** The service in a process of its own, on a port that it keeps. */
export class ServiceProcess {
  readonly url: string
  readonly #environment: Readonly<Record<string, string>>
  #child: ChildProcess | undefined

  private constructor(port: number, environment: Readonly<Record<string, string>>) {
    this.url = `http://127.0.0.1:${port}`
    this.#environment = {
      PATH: process.env.PATH ?? '',
      EVENT_SERVICE_HOST: '127.0.0.1',
      EVENT_SERVICE_PORT: String(port),
      ...environment
    }
  }

  /** Starts it over the log that the variables name. It does not outlive the test. */
  static async start(environment: Readonly<Record<string, string>>): Promise<ServiceProcess> {
    const service = new ServiceProcess(await freePort(), environment)
    onTestFinished(() => service.kill())
    await service.start()
    return service
  }

  async start(): Promise<void> {
    this.#child = spawn(process.execPath, ['--conditions=tradpal-source', COMMAND, 'serve'], {
      env: this.#environment,
      stdio: ['ignore', 'ignore', 'inherit']
    })
    await waitFor(async () => (await fetch(`${this.url}/health`)).ok, { what: 'the service' })
  }

  /** SIGSTOP: it takes connections and answers nothing. */
  pause(): void {
    this.#child?.kill('SIGSTOP')
  }

  /** SIGCONT. */
  resume(): void {
    this.#child?.kill('SIGCONT')
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
}

/** A TCP proxy before a service that can lose the answer of a request that the service has taken. */
export class LosingProxy {
  readonly url: string
  /** How many of the next answers are cut off before their first byte. */
  loses = 0
  readonly #close: () => void

  private constructor(port: number, close: () => void) {
    this.url = `http://127.0.0.1:${port}`
    this.#close = close
  }

  static async before(service: string): Promise<LosingProxy> {
    const port = await freePort()
    const sockets = new Set<Socket>()
    const server = createServer((near) => {
      const far = connect(Number(new URL(service).port), '127.0.0.1')
      for (const socket of [near, far]) sockets.add(socket.on('error', () => {}))
      near.on('close', () => far.destroy())
      far.on('close', () => near.destroy())
      near.on('data', (bytes) => far.write(bytes))
      far.on('data', (bytes) => {
        if (proxy.loses === 0) return near.write(bytes)
        proxy.loses -= 1
        return near.destroy()
      })
    })
    const proxy = new LosingProxy(port, () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    })
    onTestFinished(() => proxy.#close())
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    return proxy
  }
}

/** A client that is closed after the test. */
export function clientOf(url: string, options: EventClientOptions = {}): EventClient {
  const client = new EventClient({ url, backoff: { initialMs: 10, maxMs: 100 }, ...options })
  onTestFinished(() => client.close())
  return client
}

export function signal(symbol = 'BTC/USDT', eventId?: string): Event<'trading_signal'> {
  const data = { symbol, signal: 'BUY', confidence: 0.85 } as const
  return createEvent(EventType.TRADING_SIGNAL, data, {
    source: 'a_test',
    ...(eventId === undefined ? {} : { eventId })
  })
}

export const idsOf = (events: readonly StoredEvent[]) => events.map(({ messageId }) => messageId)

/** The first events of a subscription, which then ends. */
export async function taken(subscription: Subscription<StoredEvent>, count: number): Promise<StoredEvent[]> {
  const events: StoredEvent[] = []
  for await (const event of subscription) if (events.push(event) === count) break
  return events
}
