import type { Logger } from '../../src/runtime/index.ts'

/** What was logged: level, message and details. */
export function recordingLogger(): { logger: Logger; logged: [level: string, message: string, details: object][] } {
  const logged: [string, string, object][] = []
  const at = (level: string) => (details: object, message: string) => void logged.push([level, message, details])
  const logger: Logger = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => logger
  }
  return { logger, logged }
}
