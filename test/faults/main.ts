import { faultsFound, table } from './check.ts'
import { told } from './plan.ts'
import { Run } from './run.ts'
import type { RunOptions } from './settings.ts'

// What was started ends with this process.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))

/** The fault suite in its long form: `SEED=17 SECONDS=60 npm run test:faults`. It ends with 1 when it found something. */
const seed = Number(process.env.SEED || Math.floor(Math.random() * 2 ** 31))
const durationMs = Number(process.env.SECONDS || 60) * 1_000
const runs: readonly Pick<RunOptions, 'log' | 'ordering'>[] = [
  { log: 'redis', ordering: 'key' },
  { log: 'sqlite', ordering: 'key' },
  { log: 'redis', ordering: 'none' },
  { log: 'sqlite', ordering: 'none' }
]
const only = process.argv.slice(2)

for (const { log, ordering } of runs) {
  if (only.length > 0 && !only.includes(`${log}-${ordering}`)) continue
  const run = await Run.start({ log, ordering, seed, durationMs })
  console.log(`${log}, ordering '${ordering}', SEED=${seed}, ${durationMs / 1_000} s`)
  for (const fault of run.plan) console.log(`  ${told(fault)}`)
  try {
    const verdict = await run.toItsEnd()
    console.log(`${table(verdict)}\n`)
    if (faultsFound(verdict, ordering).length > 0) throw new Error(faultsFound(verdict, ordering).join('; '))
    await run.stop()
    await run.remove()
  } catch (error) {
    await run.stop()
    console.error(`${(error as Error).message}\nThe evidence is in ${run.folder}.`)
    process.exitCode = 1
  }
}
