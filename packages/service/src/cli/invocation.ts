import { Readable } from 'node:stream'
import type { Environment } from '@tradpal/event-system'
import type { Command } from 'commander'
import { ExitCode, exitCodeOf } from './exit-codes.ts'
import type { StandardInput } from './input-file.ts'
import { openService } from './open-service.ts'
import type { GlobalOptions } from './options.ts'
import { Output } from './output.ts'
import type { Service } from './service.ts'
import type { Surroundings } from './surroundings.ts'

/** What a command is given beside its own arguments and options. */
export interface Invocation {
  readonly output: Output
  readonly globals: GlobalOptions
  readonly env: Environment
  readonly stdin: StandardInput
  /** Aborted to interrupt the command. It then ends soon; what it began it ends properly. */
  readonly signal: AbortSignal
  /** Runs the service as this process. Undefined where there is no process for that alone. */
  readonly serve: Surroundings['serve']
  /** Opens the service that the options name. `create`: whether a log file that is not there is made. The caller closes it. */
  openService(options?: { readonly create?: boolean }): Promise<Service>
}

/** A command's work. What it throws is told, and becomes the exit code. */
export type Work<Arguments extends readonly unknown[]> = (
  invocation: Invocation,
  ...args: Arguments
) => Promise<ExitCode> | Promise<void>

/** Makes of a command's work what commander calls with the arguments, the options and the command. */
export type Run = <Arguments extends readonly unknown[]>(
  work: Work<Arguments>
) => (...args: [...Arguments, Command]) => Promise<void>

/** Runs commands and keeps the exit code of the last. */
export class Invoker {
  exitCode: ExitCode = ExitCode.DONE
  readonly #surroundings: Surroundings

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings
  }

  readonly run: Run =
    <Arguments extends readonly unknown[]>(work: Work<Arguments>) =>
    async (...args: [...Arguments, Command]) => {
      const globals = (args.at(-1) as Command).optsWithGlobals<GlobalOptions>()
      const { env, serve, stdin = Readable.from([]), signal = new AbortController().signal } = this.#surroundings
      const output = new Output(globals.json === true, this.#surroundings)
      const invocation: Invocation = {
        ...{ output, globals, env, stdin, signal, serve },
        openService: (options) => openService(globals, { env, ...options })
      }
      try {
        const given = args.slice(0, -1) as unknown as Arguments
        const result = await work(invocation, ...given)
        this.exitCode = result ?? (signal.aborted ? ExitCode.INTERRUPTED : ExitCode.DONE)
      } catch (error) {
        const interrupted = signal.aborted && isInterruption(error, signal)
        this.exitCode = interrupted ? ExitCode.INTERRUPTED : exitCodeOf(error)
        if (interrupted) return
        const { withAdvice } = await import('./reachability.ts')
        output.error(withAdvice(error), this.exitCode)
      }
    }
}

/** Whether an error is nothing but how the work was cut short; a failure at the same time is told. */
function isInterruption(error: unknown, { reason }: AbortSignal): boolean {
  const { code } = error as { code?: unknown }
  return error === reason || code === 'aborted' || code === 'closed'
}
