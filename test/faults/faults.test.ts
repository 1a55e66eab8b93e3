import { expect, onTestFinished, test } from 'vitest'
import { faultsFound, table } from './check.ts'
import { told } from './plan.ts'
import { Run } from './run.ts'
import type { RunOptions } from './settings.ts'

/** `SEED=17 npx vitest run test/faults` plays the same plan again. */
const seed = Number(process.env.SEED || Math.floor(Math.random() * 2 ** 31))

const runs: (Pick<RunOptions, 'log' | 'ordering'> & { seconds: number })[] = [
  { log: 'redis', ordering: 'key', seconds: 10 },
  { log: 'sqlite', ordering: 'key', seconds: 10 },
  { log: 'redis', ordering: 'none', seconds: 6 },
  { log: 'sqlite', ordering: 'none', seconds: 6 }
]

test.each(runs)(
  'over $log, with ordering $ordering, nothing is lost, doubled or out of its order for $seconds s of faults',
  { timeout: 120_000 },
  async ({ log, ordering, seconds }) => {
    const run = await Run.start({ log, ordering, seed, durationMs: seconds * 1_000 })
    onTestFinished(() => run.stop())
    const story = `SEED=${seed}, the evidence is in ${run.folder}\n${run.plan.map(told).join('\n')}`
    console.log(story)

    const verdict = await run.toItsEnd()

    console.log(table(verdict))
    expect(faultsFound(verdict, ordering), story).toEqual([])
    expect(verdict.deadLetters).toBe(0)
    expect(verdict.events).toBeGreaterThan(seconds * 1_000)
    await run.remove()
  }
)
