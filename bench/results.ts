import { readFile, writeFile } from 'node:fs/promises'
import type { Comparison, Result } from './measure.ts'
import { machine, report } from './report.ts'

const KEPT = new URL('results.json', import.meta.url)
const FOR_PEOPLE = new URL('RESULTS.md', import.meta.url)

/**
 * Keeps what was measured, each in the place of what was measured of it before, and writes all of it for people. `isAll`: every
 * scenario was run, and what none of them measures any more is dropped.
 */
export async function keep(measured: readonly Comparison[], isAll: boolean): Promise<void> {
  const day = new Date().toISOString().slice(0, 10)
  const results = new Map<string, Result>()
  const before = isAll ? [] : (JSON.parse(await readFile(KEPT, 'utf8')) as Result[])
  for (const one of before) results.set(nameOf(one), one)
  for (const one of measured) results.set(nameOf(one), { ...one, day, machine: machine() })
  const all = [...results.values()]
  await writeFile(KEPT, `${JSON.stringify(all, undefined, 2)}\n`)
  await writeFile(FOR_PEOPLE, report(all))
}

/** What is measured, and beside whom. */
function nameOf({ what, peer = '' }: Comparison): string {
  return `${what}, beside: ${peer}`
}
