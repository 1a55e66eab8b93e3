import type { OpenInChild } from '../../src/log/conformance/index.ts'
import { SqliteLog, type SqliteLogOptions } from '../../src/log/sqlite/index.ts'

/** Opens an embedded log in a child process of a test. */
const open: OpenInChild = async (options) => {
  const log = new SqliteLog(options as SqliteLogOptions)
  await log.start()
  return log
}

export default open
