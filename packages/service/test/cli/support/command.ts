import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { onTestFinished } from 'vitest'
import { COMMAND } from '../../../../../test/support/bundled-command.ts'
import { run } from '../../../src/cli/program.ts'
import { noteLeaks } from '../../support/leaks.ts'

/** How the command is started as a process. */
export const NODE_ARGUMENTS = ['--conditions=tradpal-source', COMMAND]

export interface CommandOptions {
  readonly cwd?: string
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
}

export interface Result {
  /** Null when a signal ended it. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A command that runs. */
export interface Running {
  readonly result: Promise<Result>
  /** What it has written so far. */
  stdout(): string
  stderr(): string
}

/** One that runs in this process. */
export interface RunningHere extends Running {
  /** Interrupts it, as SIGINT does a process. */
  interrupt(): void
}

/** Runs `tradpal-events` to its end, in this process. */
export async function runCommand(args: readonly string[], options: CommandOptions = {}): Promise<Result> {
  return runHere(args, options).result
}

/** Runs `tradpal-events` in this process. It does not outlive the test. */
export function runHere(args: readonly string[], { cwd, input = '', env = {} }: CommandOptions = {}): RunningHere {
  const [stdout, stderr] = [new Written(), new Written()]
  const interruption = new AbortController()
  const interrupt = () => interruption.abort(new Error('interrupted'))
  const before = process.cwd()
  if (cwd !== undefined) process.chdir(cwd)
  const result = run(args, {
    stdout,
    stderr,
    env: { ...cleanEnvironment(), ...env },
    stdin: Readable.from(input === '' ? [] : [Buffer.from(input)]),
    signal: interruption.signal
  })
    .then((code): Result => {
      noteLeaks(stderr.text)
      return { code, stdout: stdout.text, stderr: stderr.text }
    })
    .finally(() => process.chdir(before))
  return { result, interrupt, stdout: () => stdout.text, stderr: () => stderr.text }
}

/** Keeps what is written to it. */
class Written extends Writable {
  text = ''

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString('utf8')
    done()
  }
}

/** One that runs in a process of its own. */
export interface RunningProcess extends Running {
  readonly child: ChildProcess
}

/** Starts `tradpal-events` as a process of its own. It does not outlive the test. */
export function startProcess(args: readonly string[], { cwd, input, env = {} }: CommandOptions = {}): RunningProcess {
  const child = spawn(process.execPath, [...NODE_ARGUMENTS, ...args], {
    cwd,
    env: { ...cleanEnvironment(), ...env },
    stdio: ['pipe', 'pipe', 'pipe']
  })
  const written = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      written[name] += text
    })
  }
  // A command that does not read its input may have ended before it is written.
  child.stdin.on('error', () => {})
  if (input !== undefined) child.stdin.end(input)
  const result = once(child, 'close').then(([code]): Result => {
    // What a service writes is its log.
    noteLeaks(args[0] === 'serve' ? written.stdout + written.stderr : written.stderr)
    return { code, ...written }
  })
  return { child, result, stdout: () => written.stdout, stderr: () => written.stderr }
}

/**
 * Runs `tradpal-events` to its end, in a process of its own: for what a process alone has or does, and where event types are
 * registered, which a process keeps.
 */
export async function runProcess(args: readonly string[], options: CommandOptions = {}): Promise<Result> {
  return startProcess(args, { input: '', ...options }).result
}

/** What a command printed as NDJSON. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

/** A folder that goes with the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tradpal-cli-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** The environment without what would configure the command. */
export function cleanEnvironment(): Record<string, string> {
  const own = /^(EVENT_|REDIS_URL|TRADPAL|NO_COLOR|FORCE_COLOR|LOG_LEVEL|NODE_OPTIONS|VITEST)/
  return Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !own.test(entry[0])
    )
  )
}
