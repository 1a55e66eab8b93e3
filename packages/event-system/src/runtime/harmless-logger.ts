import type { Logger } from './logger.ts'

/** Those that are harmless already: an event system hands its own on to its parts. */
const harmless = new WeakSet<Logger>()

/**
 * A logger that writes by the given one and never throws: what is told of a step must not change the step. What the given one throws is
 * passed over, since there is nowhere else to tell it.
 */
export function harmlessLogger(logger: Logger): Logger {
  if (harmless.has(logger)) return logger
  const made: Logger = {
    debug: (details, message) => attempt(() => logger.debug(details, message)),
    info: (details, message) => attempt(() => logger.info(details, message)),
    warn: (details, message) => attempt(() => logger.warn(details, message)),
    error: (details, message) => attempt(() => logger.error(details, message)),
    child: (details) => attempt(() => harmlessLogger(logger.child(details))) ?? made
  }
  harmless.add(made)
  return made
}

function attempt<Result>(log: () => Result): Result | undefined {
  try {
    return log()
  } catch {
    return undefined
  }
}
