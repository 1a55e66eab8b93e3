/** What the command says to the shell when it ends. */
export const ExitCode = {
  DONE: 0,
  /** The log or the service could not be reached, or did not do it. */
  FAILED: 1,
  /** Wrong use of the command, or wrong input. */
  WRONG_INPUT: 2,
  /** An import that passed over refused rows. */
  PARTLY_DONE: 3,
  /** Two schemas that were compared are incompatible, or may be. */
  INCOMPATIBLE: 4,
  /** By SIGINT or SIGTERM. */
  INTERRUPTED: 130
} as const

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

export const EXIT_CODES_HELP = `
Exit codes:
  0    done
  1    failed: the log or the service could not be reached or did not do it
  2    wrong use of the command, or wrong input
  3    partly done: an import that passed over refused rows
  4    two schemas that were compared are incompatible, or may be
  130  interrupted`

/** Codes that speak of what the caller gave. */
const WRONG_INPUT: ReadonlySet<string> = new Set([
  'invalid_json',
  'invalid_event',
  'invalid_data',
  'not_representable',
  'unknown_event_type',
  'invalid_event_type',
  'invalid_options',
  'invalid_argument',
  'invalid_message_id',
  'payload_too_large',
  'event_id_conflict'
])

/** Whether an error says that what was given is wrong, and not that the log or the service failed. */
export function isWrongInput(code: unknown): boolean {
  return typeof code === 'string' && WRONG_INPUT.has(code)
}

export function exitCodeOf(error: unknown): ExitCode {
  return isWrongInput((error as { code?: unknown } | null)?.code) ? ExitCode.WRONG_INPUT : ExitCode.FAILED
}
