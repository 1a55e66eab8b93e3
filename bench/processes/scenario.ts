import { openBenchLog } from '../logs.ts'
import { SCENARIOS } from '../scenarios/index.ts'

/** A process that runs the scenario that its argument names, and says what came of it. */
const named = SCENARIOS.find(({ name }) => name === process.argv[2])
if (named === undefined) throw new Error(`There is no scenario ${process.argv[2]}.`)
const log = await openBenchLog(named.kind)
const comparisons = await named.scenario(log).finally(() => log.close())
process.send?.(comparisons, () => process.exit(0))
