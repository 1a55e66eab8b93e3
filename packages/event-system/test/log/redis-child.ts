import type { OpenInChild } from '../../src/log/conformance/index.ts'
import { RedisStorage, type RedisStorageOptions } from '../../src/log/redis/index.ts'
import { labelsOf } from './labelled-payloads.ts'

const openInChild: OpenInChild = async (options) => {
  const { isIndexed, ...others } = options as RedisStorageOptions & { readonly isIndexed: boolean }
  const storage = new RedisStorage({ ...others, ...(isIndexed && { index: { labelsOf } }) })
  await storage.start()
  return storage
}

export default openInChild
