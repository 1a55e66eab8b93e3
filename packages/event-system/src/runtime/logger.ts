/** Where the library writes what an operator may want to read. pino loggers have this shape. Nothing is logged per event at info. */
export interface Logger {
  debug(details: object, message: string): void
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
  /** A logger that adds these details to everything it writes. */
  child(details: Record<string, unknown>): Logger
}

const nothing = () => {}

/** The default: a library does not write to somebody else's output unasked. */
export const silentLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLogger
}
