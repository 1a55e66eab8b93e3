import { table } from '../support/verdict-table.ts'
import { faultsFound } from './check.ts'
import { told } from './plan.ts'
import { Run } from './run.ts'
import { SUBJECTS } from './settings.ts'

// What was started ends with this process.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))

/** The fault suite in its long form: `SEED=17 SECONDS=60 npm run test:faults`. It ends with 1 when it found something. */
const seed = Number(process.env.SEED || Math.floor(Math.random() * 2 ** 31))
const durationMs = Number(process.env.SECONDS || 60) * 1_000
const only = process.argv.slice(2)

for (const [name, subject] of Object.entries(SUBJECTS)) {
  if (only.length > 0 && !only.includes(name)) continue
  const run = await Run.start({ ...subject, seed, durationMs })
  console.log(`${name}, SEED=${seed}, ${durationMs / 1_000} s`)
  for (const fault of run.plan) console.log(`  ${told(fault)}`)
  try {
    const verdict = await run.toItsEnd()
    console.log(`${table(verdict)}\n`)
    const faults = faultsFound(verdict, subject.ordering)
    if (faults.length > 0) throw new Error(faults.join('; '))
    await run.stop()
    await run.remove()
  } catch (error) {
    await run.stop()
    console.error(`${(error as Error).message}\nThe evidence is in ${run.folder}.`)
    process.exitCode = 1
  }
}
