import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'

/** Called in a process of a run: it has begun its work. */
export function tellThatItHasBegun(): void {
  process.send?.('begun')
  process.disconnect?.()
}

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export interface ProcessOptions {
  /** The file of its program. */
  readonly script: string
  readonly args: readonly string[]
  /** Where its output is kept: what it complains of. */
  readonly complaints: string
  /** Default: that of this process. */
  readonly environment?: NodeJS.ProcessEnv
}

/** A process of a run, which imports the source of the packages. */
export class RunProcess {
  readonly #child: ChildProcess
  /** Resolves to how it ended: an exit code, or the signal. */
  readonly ended: Promise<number | string>
  /** Resolves when it says that it has begun its work, or has ended. */
  readonly begun: Promise<unknown>

  constructor({ script, args, complaints, environment = process.env }: ProcessOptions) {
    const log = openSync(complaints, 'a')
    this.#child = spawn(process.execPath, ['--conditions=tradpal-source', script, ...args], {
      env: environment,
      stdio: ['ignore', log, log, 'ipc']
    })
    closeSync(log)
    running.add(this.#child)
    this.ended = once(this.#child, 'exit').then(([code, signal]) => {
      running.delete(this.#child)
      return code ?? signal
    })
    this.begun = Promise.race([once(this.#child, 'message'), this.ended])
  }

  freeze(): void {
    this.#child.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child.kill('SIGCONT')
  }

  /** SIGKILL, which a frozen one hears too. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
  }

  /** SIGTERM, which one that has not begun may not take in order; resolves to how it ended. */
  async end(): Promise<number | string> {
    this.thaw()
    this.#child.kill('SIGTERM')
    return await this.ended
  }
}

export function mustBeZero(exit: number | string | undefined, who: string): void {
  if (exit !== 0) throw new Error(`${who} ended with ${exit}.`)
}

export async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)))
}
