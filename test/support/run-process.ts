import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import type { ProcessSettings } from './settings.ts'

/** Called in a process of a run: it has begun its work. */
export function tellThatItHasBegun(): void {
  process.send?.('begun')
  process.disconnect?.()
}

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** A process of a run. What it complains of is kept beside the diary. */
export class RunProcess {
  readonly #child: ChildProcess
  /** Resolves to how it ended: an exit code, or the signal. */
  readonly ended: Promise<number | string>
  /** Resolves when it says that it has begun its work, or has ended. */
  readonly begun: Promise<unknown>

  constructor(script: 'consuming-process.ts' | 'publishing-process.ts', settings: ProcessSettings, complaints: string) {
    const log = openSync(complaints, 'a')
    this.#child = spawn(
      process.execPath,
      ['--conditions=tradpal-source', join(import.meta.dirname, script), JSON.stringify(settings)],
      { stdio: ['ignore', log, log, 'ipc'] }
    )
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

  /** SIGTERM; resolves to how it ended. */
  async end(): Promise<number | string> {
    this.thaw()
    this.#child.kill('SIGTERM')
    return await this.ended
  }
}
