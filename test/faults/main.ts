import { playRuns } from '../support/play-runs.ts'
import { faultsFound } from './check.ts'
import { Run } from './run.ts'
import { SUBJECTS } from './settings.ts'

/** The fault suite in its long form: `SEED=17 SECONDS=60 npm run test:faults`. */
await playRuns(
  SUBJECTS,
  (subject, plan) => Run.start({ ...subject, ...plan }),
  (verdict, { ordering }) => faultsFound(verdict, ordering)
)
