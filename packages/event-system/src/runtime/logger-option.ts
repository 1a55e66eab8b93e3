import { harmlessLogger } from './harmless-logger.ts'
import { type Logger, loggerBy } from './logger.ts'
import { wrong } from './option-values.ts'
import { stderrLogger } from './stderr-logger.ts'

/** What the library calls of `console`, and of every logger that takes its message first. */
export interface ConsoleLogger {
  debug(message: string, details: object): void
  info(message: string, details: object): void
  warn(message: string, details: object): void
  error(message: string, details: object): void
}

/** What the option `logger` takes: a pino logger, or `console`. */
export type LoggerOption = Logger | ConsoleLogger

/**
 * The logger that an option gives: {@link stderrLogger} without one. One without `child`, as `console`, gets its arguments in the order
 * of `console`. The logger that is returned never throws. Throws `invalid_options`.
 */
export function loggerOf(given: LoggerOption | undefined): Logger {
  if (given === undefined) return stderrLogger
  if (!hasMethods(given, ['debug', 'info', 'warn', 'error'])) {
    throw wrong('logger', 'a pino logger, console, or what has their debug, info, warn and error', given)
  }
  if (isLogger(given)) return harmlessLogger(given)
  const logger = loggerBy({
    debug: (details, message) => given.debug(message, details),
    info: (details, message) => given.info(message, details),
    warn: (details, message) => given.warn(message, details),
    error: (details, message) => given.error(message, details)
  })
  return harmlessLogger(logger)
}

function isLogger(given: LoggerOption): given is Logger {
  return hasMethods(given, ['child'])
}

function hasMethods(given: unknown, names: readonly string[]): boolean {
  if (typeof given !== 'object' || given === null) return false
  return names.every((name) => typeof (given as Record<string, unknown>)[name] === 'function')
}
