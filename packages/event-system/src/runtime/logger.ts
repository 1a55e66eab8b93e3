/** Where the library writes what an operator may want to read. A pino logger has this shape. Nothing is logged per event at info. */
export interface Logger {
  debug(details: object, message: string): void
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
  /** A logger that adds these details to everything it writes. */
  child(details: Record<string, unknown>): Logger
}

const nothing = () => {}

/** A logger that writes nothing. */
export const silentLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLogger
}

/** A logger that writes by the given functions, and adds the details of a child to everything that the child writes. */
export function loggerBy(write: Omit<Logger, 'child'>, added: object = {}): Logger {
  return {
    debug: (details, message) => write.debug({ ...added, ...details }, message),
    info: (details, message) => write.info({ ...added, ...details }, message),
    warn: (details, message) => write.warn({ ...added, ...details }, message),
    error: (details, message) => write.error({ ...added, ...details }, message),
    child: (details) => loggerBy(write, { ...added, ...details })
  }
}
