import type { OpenInChild } from '../../src/log/conformance/index.ts'
import { RedisLog, type RedisLogOptions } from '../../src/log/redis/index.ts'

const openInChild: OpenInChild = async (options) => {
  const log = new RedisLog(options as RedisLogOptions)
  await log.start()
  return log
}

export default openInChild
