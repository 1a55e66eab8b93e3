import type { Contenders } from '../contenders.ts'
import { type BenchLog, openBenchLog } from '../logs.ts'
import { publishers } from '../publishers.ts'
import { consumers } from '../scenarios/consume.ts'
import { encryptingPublishers } from '../scenarios/encryption.ts'

const CONTENDERS: Contenders = { ...consumers, ...encryptingPublishers, ...publishers }

/** A process that does its share, over a log of the kind and as the contender that its arguments name, whenever it is told to, until it is let go. */
const [kind, name = ''] = process.argv.slice(2)
const log = await openBenchLog(kind as BenchLog['kind'])
const contender = await CONTENDERS[name]?.(log)
process.on('message', async () => process.send?.(await contender?.turn()))
process.on('disconnect', async () => {
  await contender?.close()
  await log.close()
  process.exit(0)
})
process.send?.('ready')
