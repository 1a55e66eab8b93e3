import type { ExposedPath } from '../log/sqlite/index.ts'
import type { Logger } from '../runtime/index.ts'

/** Warns once of each file of a log, spool or audit log that others than its owner can read or write, however often it is opened. */
export function warnOfExposed(logger: Logger): (exposed: readonly ExposedPath[]) => void {
  const told = new Set<string>()
  return (exposed) => {
    for (const { path, mode } of exposed) {
      if (told.has(path)) continue
      told.add(path)
      logger.warn(
        { path, mode: mode.toString(8) },
        'others than its owner can use a file or folder of the log: chmod 600 the file, 700 the folder'
      )
    }
  }
}
