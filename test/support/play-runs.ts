import { table } from './verdict-table.ts'

/** A plan of faults, played against processes; and what is left of it. */
export interface PlannedRun<Verdict> {
  readonly folder: string
  /** What it did to them and when, for people. */
  readonly story: readonly string[]
  toItsEnd(): Promise<Verdict>
  /** Ends what it started. Idempotent. */
  stop(): Promise<void>
  remove(): Promise<void>
}

interface Findings {
  readonly findings: Readonly<Record<string, readonly string[]>>
}

/**
 * A suite of faults in its long form: `SEED=17 SECONDS=60`, and of which subjects after the name of the script. The process
 * ends with 1 when a run found something, whose evidence is kept then.
 */
export async function playRuns<Subject, Verdict extends Findings>(
  subjects: Readonly<Record<string, Subject>>,
  start: (
    subject: Subject,
    plan: { readonly seed: number; readonly durationMs: number }
  ) => Promise<PlannedRun<Verdict>>,
  faultsFound: (verdict: Verdict, subject: Subject) => readonly string[]
): Promise<void> {
  // What was started ends with this process.
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))
  const seed = Number(process.env.SEED || Math.floor(Math.random() * 2 ** 31))
  const durationMs = Number(process.env.SECONDS || 60) * 1_000
  const only = process.argv.slice(2)
  for (const [name, subject] of Object.entries(subjects)) {
    if (only.length > 0 && !only.includes(name)) continue
    const run = await start(subject, { seed, durationMs })
    console.log([`${name}, SEED=${seed}, ${durationMs / 1_000} s`, ...run.story].join('\n  '))
    try {
      const verdict = await run.toItsEnd()
      console.log(`${table(verdict)}\n`)
      const faults = faultsFound(verdict, subject)
      if (faults.length > 0) throw new Error(faults.join('; '))
      await run.stop()
      await run.remove()
    } catch (error) {
      await run.stop()
      console.error(`${(error as Error).message}\nThe evidence is in ${run.folder}.`)
      process.exitCode = 1
    }
  }
}
