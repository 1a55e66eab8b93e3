import { expect, onTestFinished, test } from 'vitest'
import { table } from '../support/verdict-table.ts'
import { faultsFound } from './check.ts'
import { Run } from './run.ts'
import { SUBJECTS } from './subjects.ts'

/** `SEED=17 npx vitest run test/chaos` plays the same plan again. */
const seed = Number(process.env.SEED || Math.floor(Math.random() * 2 ** 31))

/** Each kind of fault happens in so long. */
const SECONDS = 9
const LONGEST_MS = 2_000

test.each(Object.entries(SUBJECTS))(
  'what was promised is in the log, once and in order, whatever happens to those who publish (%s)',
  { timeout: 150_000 },
  async (_, subject) => {
    const run = await Run.start({ ...subject, seed, durationMs: SECONDS * 1_000, longestMs: LONGEST_MS })
    onTestFinished(() => run.stop())
    const story = `SEED=${seed}, the evidence is in ${run.folder}\n${run.story.join('\n')}`
    console.log(story)

    const verdict = await run.toItsEnd()

    console.log(table(verdict))
    expect(faultsFound(verdict), story).toEqual([])
    expect(verdict.promised).toBeGreaterThan(SECONDS * 100)
    // That the faults were felt. Whether a publish is spooled or refused then depends on who is up: nobody spools for a service that is down.
    expect(verdict.spooled + verdict.refused + verdict.unknown).toBeGreaterThan(0)
    await run.stop()
    await run.remove()
  }
)
