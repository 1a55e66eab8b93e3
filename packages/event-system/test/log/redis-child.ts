import type { OpenInChild } from '../../src/log/conformance/index.ts'
import { RedisStorage, type RedisStorageOptions } from '../../src/log/redis/index.ts'

const openInChild: OpenInChild = async (options) => {
  const storage = new RedisStorage(options as RedisStorageOptions)
  await storage.start()
  return storage
}

export default openInChild
