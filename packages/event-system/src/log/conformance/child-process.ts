import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ChildReport, ChildRequest, ChildTasks } from './child.ts'
import { PATIENCE_MS, within } from './expect.ts'
import type { ConformanceHarness } from './harness.ts'

/** `.ts` when the suite runs from its sources, `.js` when it runs compiled: the child does as its parent. */
const EXTENSION = extname(new URL(import.meta.url).pathname)
const CHILD_FILE = fileURLToPath(new URL(`./child${EXTENSION}`, import.meta.url))

/** Another process that has the harness's log open. */
export class OtherProcess implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #progress: unknown[] = []
  #settle: { resolve: (value: unknown) => void; reject: (error: Error) => void } | undefined

  private constructor(process: ChildProcess) {
    this.#process = process
    process.on('message', (report: ChildReport) => {
      if (report.about === 'progress') this.#progress.push(report.value)
      else if (report.about === 'failure') this.#settle?.reject(new Error(`in the other process: ${report.message}`))
      else this.#settle?.resolve(report.about === 'result' ? report.value : undefined)
    })
    process.on('exit', () => this.#settle?.reject(new Error('the other process has ended')))
  }

  /** Resolves when the process has the log open. Dispose of it: that kills it. */
  static async start({ child }: Pick<ConformanceHarness, 'child'>): Promise<OtherProcess> {
    const own = process.execArgv.filter((argument) => !/^--(?:input-type|eval|print|test|watch)/.test(argument))
    const execArgv = EXTENSION === '.ts' ? ['--conditions=tradpal-source', ...own] : own
    const other = new OtherProcess(
      fork(CHILD_FILE, [JSON.stringify(child)], { execArgv, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    )
    await other.#answer('the start of another process')
    return other
  }

  /** Starts a task; resolves to what it answers. One at a time. */
  async run<Name extends keyof ChildTasks>(task: Name, options: ChildTasks[Name]): Promise<unknown> {
    this.#process.send({ task, with: options } as ChildRequest)
    return this.#answer(`the task ${task} of another process`)
  }

  /** Starts a task that has no end. */
  begin<Name extends keyof ChildTasks>(task: Name, options: ChildTasks[Name]): void {
    this.#process.send({ task, with: options } as ChildRequest)
  }

  /** What its task has reported on the way. */
  get progress(): readonly unknown[] {
    return this.#progress
  }

  /** Ends it as a power cut would end it: SIGKILL, nothing is tidied up. */
  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const ended = new Promise((resolve) => this.#process.once('exit', resolve))
    assert.ok(this.#process.kill('SIGKILL'))
    await ended
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill()
  }

  #answer(what: string): Promise<unknown> {
    const answer = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
    return within(PATIENCE_MS, what, answer)
  }
}
