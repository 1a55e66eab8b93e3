import type { OpenInChild } from '../../src/log/conformance/index.ts'
import { SqliteStorage, type SqliteStorageOptions } from '../../src/log/sqlite/index.ts'

/** Opens an embedded log in a child process of a test. */
const open: OpenInChild = async (options) => {
  const storage = new SqliteStorage(options as SqliteStorageOptions)
  await storage.start()
  return storage
}

export default open
