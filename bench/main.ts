/**
 * `npm run bench`: our figures beside a peer's, from the same run. Each scenario runs several times and the medians are
 * reported, since one run on a busy machine says little. `--runs 5`, `--only publish-redis,http-sqlite`, `--write` puts
 * the table into bench/RESULTS.md.
 */
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { redisBenchLog, sqliteBenchLog } from './logs.ts'
import { type Comparison, medianOf, type Scenario } from './measure.ts'
import { machine, report, table } from './report.ts'
import { guarded } from './scenarios/access.ts'
import { consuming } from './scenarios/consume.ts'
import { delivery } from './scenarios/delivery.ts'
import { encrypting } from './scenarios/encryption.ts'
import { flat } from './scenarios/flat.ts'
import { http } from './scenarios/http.ts'
import { idling } from './scenarios/idle.ts'
import { instances } from './scenarios/instances.ts'
import { memory } from './scenarios/memory.ts'
import { outage } from './scenarios/outage.ts'
import { partitioned } from './scenarios/partitions.ts'
import { publishing } from './scenarios/publish.ts'
import { reading } from './scenarios/read.ts'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    only: { type: 'string' },
    write: { type: 'boolean', default: false }
  }
})
const runs = Number(values.runs)
const wanted = values.only?.split(',')

const redis = await redisBenchLog()
const logs = [await sqliteBenchLog(), redis]
try {
  const ofEachLog = [publishing, encrypting, reading, consuming, instances, delivery, idling, http, guarded, memory]
  const ofRedis = [partitioned(redis), outage(), flat(redis)]
  const scenarios = [...ofEachLog.flatMap((scenario) => logs.map(scenario)), ...ofRedis].filter(
    ({ name }) => wanted === undefined || wanted.some((part) => name.startsWith(part))
  )
  const comparisons: Comparison[] = []
  for (const scenario of scenarios) comparisons.push(...(await repeat(scenario)))
  const text = table(comparisons)
  console.log(`\n${machine()}\n\n${text}`)
  if (values.write) await writeFile(new URL('RESULTS.md', import.meta.url), report(comparisons, runs))
} finally {
  for (const log of logs) await log.close()
}

async function repeat(scenario: Scenario): Promise<Comparison[]> {
  const results: Comparison[][] = []
  const enough = Math.min(runs, scenario.runs ?? runs)
  for (let run = 1; run <= enough; run++) {
    process.stderr.write(`\r${scenario.name}: run ${run} of ${enough}   `)
    results.push(await scenario.run())
  }
  process.stderr.write('\n')
  return (results[0] ?? []).map((_, i) => medianOf(results.map((run) => run[i] as Comparison)))
}
