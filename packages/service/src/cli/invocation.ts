import type { Command } from 'commander'
import { ExitCode, exitCodeOf } from './exit-codes.ts'
import type { GlobalOptions } from './options.ts'
import { Output } from './output.ts'
import type { OpenTargetOptions, Target } from './target.ts'

/** What a command is given beside its own arguments and options. */
export interface Invocation {
  readonly output: Output
  readonly globals: GlobalOptions
  /** Aborted by SIGINT and SIGTERM. A command then ends soon; what it began it ends properly. */
  readonly signal: AbortSignal
  /** For a command that sees to SIGINT and SIGTERM itself: the signal above stays still. */
  leaveSignals(): void
  /** Opens the log or the service that the options name. The caller closes it. */
  openTarget(options?: OpenTargetOptions): Promise<Target>
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

/** How long a command may take to end after an interruption. */
const GRACE_MS = 10_000

/** Runs commands and keeps the exit code of the last. */
export class Invoker {
  exitCode: ExitCode = ExitCode.DONE

  readonly run: Run =
    <Arguments extends readonly unknown[]>(work: Work<Arguments>) =>
    async (...args: [...Arguments, Command]) => {
      const globals = (args.at(-1) as Command).optsWithGlobals<GlobalOptions>()
      const output = new Output(globals.json === true)
      const interruption = new AbortController()
      const leaveSignals = onInterruption(() => interruption.abort(new Error('interrupted')))
      const { signal } = interruption
      const openTarget: Invocation['openTarget'] = async (options) => {
        const { openTarget } = await import('./open-target.ts')
        return openTarget(globals, options)
      }
      try {
        const given = args.slice(0, -1) as unknown as Arguments
        const result = await work({ output, globals, signal, leaveSignals, openTarget }, ...given)
        this.exitCode = result ?? (signal.aborted ? ExitCode.INTERRUPTED : ExitCode.DONE)
      } catch (error) {
        const interrupted = signal.aborted && isInterruption(error, signal)
        this.exitCode = interrupted ? ExitCode.INTERRUPTED : exitCodeOf(error)
        if (interrupted) return
        const { withAdvice } = await import('./reachability.ts')
        output.error(withAdvice(error), this.exitCode)
      } finally {
        leaveSignals()
      }
    }
}

/** Whether an error is nothing but how the work was cut short; a failure at the same time is told. */
function isInterruption(error: unknown, { reason }: AbortSignal): boolean {
  const { code } = error as { code?: unknown }
  return error === reason || code === 'aborted' || code === 'closed'
}

/** The second signal, and the end of the grace, end the process at once. */
function onInterruption(interrupt: () => void): () => void {
  let signals = 0
  const leave = () => process.exit(ExitCode.INTERRUPTED)
  const onSignal = () => {
    signals += 1
    if (signals > 1) leave()
    interrupt()
    setTimeout(leave, GRACE_MS).unref()
  }
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  return () => {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
  }
}
