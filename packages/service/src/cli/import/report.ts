import { stringifyJson, toWire } from '@tradpal/events'
import { ExitCode } from '../exit-codes.ts'
import type { Output } from '../output.ts'
import type { CsvFile } from './csv-file.ts'
import type { Published } from './importer.ts'
import type { Fault, Plan } from './plan.ts'

/** Tells each of the first wrong rows as an error of its own. */
export function showFaults(output: Output, { faults, wrong }: Plan): void {
  for (const { error } of faults) output.error(error, ExitCode.WRONG_INPUT)
  if (wrong > faults.length) output.note(`There are more wrong rows than these ${faults.length}.`)
  if (wrong > 1) output.note('Nothing was imported.')
}

interface Planned {
  readonly path: string
  readonly plan: Plan
  readonly csv: CsvFile | undefined
}

/** Shows what an import would do. */
export async function showPlan(output: Output, { path, plan, csv }: Planned): Promise<void> {
  const { layout, columns = [], emptyRows = 0 } = csv ?? {}
  const { rows, repeated, wrong, ids, firstEvents, firstTime = null, lastTime = null } = plan
  const alreadyInLog = ids.countInLog
  const toImport = rows - repeated - wrong - alreadyInLog
  if (output.json) {
    return output.document({
      ...{ status: 'planned', file: path, format: csv === undefined ? 'ndjson' : 'csv' },
      ...(layout && { preset: layout.preset ?? null, delimiter: layout.delimiter, columns }),
      ...{ first_time: firstTime, last_time: lastTime, rows, to_import: toImport, already_in_log: alreadyInLog },
      ...{
        repeated_in_file: repeated,
        empty_rows: emptyRows,
        refused: wrong,
        refused_rows: plan.faults.map(refusedRow)
      },
      first_events: firstEvents.map(toWire)
    })
  }
  if (layout !== undefined) {
    const parts = [layout.isExport ? 'written by export' : `preset: ${layout.preset ?? 'none'}`]
    parts.push(`delimiter: ${layout.delimiter === '\t' ? 'tab' : layout.delimiter}`)
    await output.line(`CSV, ${parts.join(', ')}`)
    await output.table(
      ['COLUMN', 'FIELD', 'KIND'],
      columns.map(({ name, field, kind }) => [name, field, kind])
    )
  }
  if (firstTime !== null) await output.line(`times: ${firstTime} to ${lastTime}`)
  for (const event of firstEvents) await output.line(stringifyJson(toWire(event)))
  await output.line(
    [
      `${counted(rows, 'row')}: ${counted(toImport, 'event')} to import`,
      `${alreadyInLog.toLocaleString('en')} already in the log`,
      ...others(plan, emptyRows)
    ].join(', ')
  )
}

interface Done extends Planned {
  readonly published: Published
  readonly elapsedMs: number
}

/** Shows what an import did. */
export async function showReport(output: Output, { path, plan, published, csv, elapsedMs }: Done): Promise<void> {
  const { status, imported, alreadyThere } = published
  const alreadyInLog = plan.ids.countInLog + alreadyThere
  const emptyRows = csv?.emptyRows ?? 0
  if (output.json) {
    return output.document({
      ...{ status: status === 'done' && plan.wrong > 0 ? 'partly_done' : status, file: path, imported },
      ...{ already_in_log: alreadyInLog, repeated_in_file: plan.repeated, empty_rows: emptyRows },
      ...{ refused: plan.wrong, refused_rows: plan.faults.map(refusedRow), elapsed_ms: Math.round(elapsedMs) }
    })
  }
  for (const { error } of plan.faults) output.note(`refused: ${error.message} (${error.code})`)
  if (plan.wrong > plan.faults.length) output.note(`refused: ${plan.wrong - plan.faults.length} more`)
  const parts = [`${counted(imported, 'event')} imported`]
  if (alreadyInLog > 0) parts.push(`${alreadyInLog.toLocaleString('en')} already in the log`)
  parts.push(...others(plan, emptyRows))
  if (status === 'interrupted') parts.push('interrupted: the same command imports the rest')
  await output.line(parts.join(', '))
}

function others({ repeated, wrong }: Plan, emptyRows: number): string[] {
  return [
    ...(repeated > 0 ? [`${counted(repeated, 'row')} repeated in the file`] : []),
    ...(wrong > 0 ? [`${counted(wrong, 'row')} refused`] : []),
    ...(emptyRows > 0 ? [`${counted(emptyRows, 'empty row')} passed over`] : [])
  ]
}

function counted(count: number, what: string): string {
  return `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`
}

function refusedRow({ line, error: { code, message } }: Fault) {
  return { line, code, message }
}
