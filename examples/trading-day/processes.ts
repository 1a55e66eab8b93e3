import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export const SERVICES = ['strategy', 'broker', 'portfolio'] as const
export type ServiceName = (typeof SERVICES)[number]

/** A service that ends by itself so often in a run will not get better. */
const MAX_FAILURES = 5

/**
 * The services, each a process of its own, started again when they end unasked. They end with this process, however it
 * ends: each notices that its channel to the parent is closed.
 */
export class ServiceProcesses {
  readonly #environment: NodeJS.ProcessEnv
  readonly #children = new Map<ServiceName, ChildProcess>()
  readonly #failed = Promise.withResolvers<never>()
  #failures = 0
  #restarts = 0
  #stopping = false

  /** `environment` tells the services where the log is, by the variables that EventSystem reads. */
  constructor(environment: Readonly<Record<string, string>>) {
    this.#environment = { ...process.env, ...environment }
    this.#failed.promise.catch(() => {})
  }

  /** Rejects when a service cannot be kept running; never resolves. */
  get failed(): Promise<never> {
    return this.#failed.promise
  }

  /** How often a service was started again. */
  get restarts(): number {
    return this.#restarts
  }

  /** Resolves when every service consumes. */
  async start(): Promise<void> {
    await Promise.race([Promise.all(SERVICES.map((name) => this.#start(name))), this.failed])
  }

  /** Kills a service with SIGKILL and resolves when it is dead; it is started again meanwhile. */
  async kill(name: ServiceName): Promise<void> {
    const child = this.#children.get(name)
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const dead = once(child, 'exit')
    child.kill('SIGKILL')
    await dead
  }

  /** Ends all services in good order; what does not end within 5 seconds is killed. */
  async stop(): Promise<void> {
    this.#stopping = true
    await Promise.all(
      [...this.#children.values()].map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return
        const dead = once(child, 'exit')
        child.kill('SIGTERM')
        const tooLate = setTimeout(() => child.kill('SIGKILL'), 5_000)
        await dead
        clearTimeout(tooLate)
      })
    )
  }

  #start(name: ServiceName): Promise<void> {
    const file = fileURLToPath(new URL(`./${name}.ts`, import.meta.url))
    const child = fork(file, { env: this.#environment, execArgv: ['--conditions=tradpal-source'] })
    this.#children.set(name, child)
    child.once('exit', (code) => this.#ended(name, code))
    return new Promise((resolve) => child.once('message', () => resolve()))
  }

  /** A service that was killed is started again without counting it: killing is not its failure. */
  #ended(name: ServiceName, code: number | null): void {
    if (this.#stopping) return
    if (code !== null && ++this.#failures > MAX_FAILURES) {
      this.#failed.reject(
        new Error(`The ${name} service ended ${this.#failures} times by itself, last with exit code ${code}.`)
      )
      return
    }
    this.#restarts++
    void this.#start(name)
  }
}
