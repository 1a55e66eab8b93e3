import { ExitCode } from './exit-codes.ts'
import { Output } from './output.ts'
import { run } from './program.ts'
import type { Surroundings } from './surroundings.ts'

/** How long a command may take to end after an interruption. */
const GRACE_MS = 10_000

/** Runs this process as one command line, interrupted by SIGINT and SIGTERM, and sets its exit code. */
export async function runProcess(): Promise<void> {
  const { stdout, stderr, stdin, env, argv } = process
  stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    // A reader that has seen enough, as `head` has, is no failure.
    if (code === 'EPIPE') process.exit(ExitCode.DONE)
    const told = { code, message: `The standard output cannot be written: ${message}.` }
    new Output(argv.includes('--json'), { stdout, stderr, env }).error(told, ExitCode.FAILED)
    process.exit(ExitCode.FAILED)
  })
  const { signal, leaveSignals } = interruption()
  const serve: Surroundings['serve'] = async (environment, configuration) => {
    leaveSignals()
    const { serve } = await import('../serve.ts')
    await serve(environment, configuration)
  }
  process.exitCode = await run(argv.slice(2), {
    ...{ stdout, stderr, env, signal, serve },
    // Not before a command reads it: standard input that is opened keeps the process until it ends.
    get stdin() {
      return stdin
    }
  })
  leaveSignals()
}

/** Aborted by the first signal. The second one, and the end of the grace, end the process at once. */
function interruption(): { readonly signal: AbortSignal; leaveSignals(): void } {
  const abort = new AbortController()
  let signals = 0
  const leave = () => process.exit(ExitCode.INTERRUPTED)
  const onSignal = () => {
    signals += 1
    if (signals > 1) leave()
    abort.abort(new Error('interrupted'))
    setTimeout(leave, GRACE_MS).unref()
  }
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  return {
    signal: abort.signal,
    leaveSignals: () => {
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
    }
  }
}
