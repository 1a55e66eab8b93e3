import { playRuns } from '../support/play-runs.ts'
import { faultsFound } from './check.ts'
import { Run } from './run.ts'
import { SUBJECTS } from './subjects.ts'

/** The chaos suite in its long form: `SEED=17 SECONDS=60 npm run test:chaos`. */
await playRuns(
  SUBJECTS,
  (subject, plan) => Run.start({ ...subject, ...plan, longestMs: Math.min(5_000, plan.durationMs / 5) }),
  faultsFound
)
