import { expect, onTestFinished, test } from 'vitest'
import { table } from '../support/verdict-table.ts'
import { faultsFound } from './check.ts'
import { Run } from './run.ts'
import { KEYS, SUBJECTS } from './settings.ts'

/** `SEED=17 npx vitest run test/faults` plays the same plan again. */
const seed = Number(process.env.SEED || Math.floor(Math.random() * 2 ** 31))

/** Each kind of fault happens in so long. */
const SECONDS = { key: 10, none: 6 } as const
/** Of each key, at least: else there would be hardly an order to be broken. */
const EVENTS_OF_A_KEY = 5

test.each(Object.entries(SUBJECTS))(
  'nothing is lost, doubled or out of its order under faults (%s)',
  { timeout: 120_000 },
  async (_, subject) => {
    const seconds = SECONDS[subject.ordering]
    const run = await Run.start({ ...subject, seed, durationMs: seconds * 1_000 })
    onTestFinished(() => run.stop())
    const story = `SEED=${seed}, the evidence is in ${run.folder}\n${run.story.join('\n')}`
    console.log(story)

    const verdict = await run.toItsEnd()

    console.log(table(verdict))
    expect(faultsFound(verdict, subject.ordering), story).toEqual([])
    expect(verdict.deadLetters).toBe(0)
    expect(verdict.events).toBeGreaterThanOrEqual(EVENTS_OF_A_KEY * KEYS.length)
    await run.remove()
  }
)
