/**
 * `npm run bench`: our figures beside a peer's, from the same run. Each scenario runs several times, each time in a process
 * of its own, and the medians are reported, since one run on a busy machine says little. `--runs 5`, `--only
 * publish-redis,http-sqlite`, `--write` puts what was measured into bench/RESULTS.md, and leaves the other lines there as they are.
 */
import { parseArgs } from 'node:util'
import { type Comparison, medianOf } from './measure.ts'
import { startProcess } from './processes/start.ts'
import { machine, table } from './report.ts'
import { keep } from './results.ts'
import { type NamedScenario, SCENARIOS } from './scenarios/index.ts'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    only: { type: 'string' },
    write: { type: 'boolean', default: false }
  }
})
const runs = Number(values.runs)
const wanted = values.only?.split(',')

const comparisons: Comparison[] = []
for (const scenario of SCENARIOS) {
  if (wanted === undefined || wanted.some((part) => scenario.name.startsWith(part))) {
    comparisons.push(...(await repeat(scenario)))
  }
}
console.log(`\n${machine()}\n\n${table(comparisons)}`)
if (values.write) await keep(comparisons, wanted === undefined)

async function repeat({ name, runs: enough = runs }: NamedScenario): Promise<Comparison[]> {
  const results: Comparison[][] = []
  for (let run = 1; run <= Math.min(runs, enough); run++) {
    process.stderr.write(`\r${name}: run ${run} of ${Math.min(runs, enough)}   `)
    const { said } = await startProcess('scenario.ts', process.env, [name])
    results.push(said as Comparison[])
  }
  process.stderr.write('\n')
  return (results[0] ?? []).map((_, i) => medianOf(results.map((run) => run[i] as Comparison)))
}
