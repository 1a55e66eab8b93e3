import { EventSystemError, resolveEventType } from '@tradpal/events'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { ExitCode } from '../exit-codes.ts'
import { type CsvMapping, csvRows } from '../import/csv-rows.ts'
import { identityOf } from '../import/identity.ts'
import { eventOf, Importer, type ImportReport, type RefusedRow } from '../import/importer.ts'
import { type ImportProgress, ProgressFile } from '../import/progress-file.ts'
import { ndjsonRows, type Row } from '../import/rows.ts'
import { sizeOf } from '../input-file.ts'
import type { Invocation, Run } from '../invocation.ts'
import { examples } from '../options.ts'
import type { Output } from '../output.ts'
import { type Progress, startProgress } from '../progress.ts'

interface ImportOptions {
  readonly csv?: true
  readonly map?: Readonly<Record<string, string>>
  readonly symbol?: string
  readonly type?: string
  readonly source?: string
  readonly skipInvalid?: true
  readonly restart?: true
}

/** How an input is read. */
interface Reading {
  readonly rows: () => AsyncIterable<Row>
  /** What it depends on, beside the content: a part of the import's identity. */
  readonly how: object
}

/** So many refused rows are told one by one. */
const TOLD = 20

export function defineImport(command: Command, run: Run): void {
  command
    .argument('<file>', 'NDJSON of events, or CSV; - for NDJSON on standard input, which cannot be resumed')
    .option('--csv', 'the file is a CSV whose first line names the columns (default: when it is named .csv)')
    .option(
      '--map <fields>',
      'with CSV: field=Column, with commas; fields of the data, timestamp, event_id, source',
      parseMap
    )
    .option('--symbol <symbol>', 'with CSV: the symbol of every row')
    .option('--type <type>', 'with CSV: the type of the events (default: market_data_update)')
    .option('--source <name>', 'who the events are from, where a row does not say (default: csv for CSV)')
    .option(
      '--skip-invalid',
      'pass over wrong rows and end with 3; else nothing is imported of a file with a wrong row'
    )
    .addOption(
      new Option('--restart', 'forget an interrupted import of the file and begin anew: events may come twice')
    )
    .addHelpText(
      'after',
      `
An interrupted import goes on where it was when the same command is given again, and repeats no event: it keeps
<file>.tradpal-import.json beside the file until it is done.
${examples(
  'tradpal-events import events.ndjson',
  'tradpal-events import prices.csv --map symbol=Ticker,price=Close,timestamp=Date,volume=Volume',
  'tradpal-events import aapl.csv --symbol AAPL --map price=Close,timestamp=Date --source exchange --skip-invalid',
  'tradpal-events export --log other.db | tradpal-events import -'
)}`
    )
    .action(
      run<[string, ImportOptions]>(async (invocation, file, options) => {
        const reading = readingOf(file, options, invocation.signal)
        return file === '-'
          ? importStream(invocation, options, reading)
          : importFile(invocation, file, options, reading)
      })
    )
}

function parseMap(text: string): Record<string, string> {
  const pairs = text.split(',').map((pair) => /^\s*([a-z][a-z0-9_]*)\s*=\s*(.+?)\s*$/.exec(pair))
  if (pairs.some((pair) => pair === null))
    throw new InvalidArgumentError('It must be field=Column,field=Column, such as price=Close,timestamp=Date.')
  return Object.fromEntries(pairs.map((pair) => [pair?.[1], pair?.[2]]))
}

function readingOf(file: string, options: ImportOptions, signal: AbortSignal): Reading {
  const csv = options.csv ?? /\.csv$/i.test(file)
  const { map, symbol, type, source } = options
  if (!csv) {
    const wrong = (['map', 'symbol', 'type'] as const).find((name) => options[name] !== undefined)
    if (wrong !== undefined) throw new EventSystemError('invalid_options', `--${wrong} is for CSV: give --csv with it.`)
    return { rows: () => ndjsonRows(file, source, signal), how: { ndjson: { source } } }
  }
  if (symbol !== undefined && map?.symbol !== undefined) {
    throw new EventSystemError(
      'invalid_options',
      '--symbol and a column for symbol in --map contradict each other: give one of them.'
    )
  }
  const mapping: CsvMapping = {
    eventType: type ?? 'market_data_update',
    columns: map ?? {},
    symbol,
    source: source ?? 'csv'
  }
  return { rows: () => csvRows(file, mapping), how: { csv: mapping } }
}

async function importStream(invocation: Invocation, options: ImportOptions, { rows }: Reading): Promise<ExitCode> {
  await using target = await invocation.openTarget({ create: true })
  await target.eventTypes()
  return await runImport(invocation, '-', async (onRefused) =>
    Importer.begin(
      {
        target,
        rows,
        file: undefined,
        skipInvalid: options.skipInvalid === true,
        signal: invocation.signal,
        onProgress: () => {},
        onRefused
      },
      undefined
    )
  )
}

async function importFile(
  invocation: Invocation,
  path: string,
  options: ImportOptions,
  { rows, how }: Reading
): Promise<ExitCode> {
  const { output, signal } = invocation
  const size = await sizeOf(path)
  const identity = await identityOf(path, how)
  await using target = await invocation.openTarget({ create: true })
  await target.eventTypes()
  if ('csv' in how) resolveEventType((how.csv as CsvMapping).eventType)

  const progressFile = new ProgressFile(path)
  if (options.restart) await progressFile.remove()
  const earlier = await progressFile.read()
  if (earlier !== undefined) checkSame(earlier, identity, target.location, progressFile)
  if (earlier === undefined && !options.skipInvalid) await checkRows(output, rows, identity, size, signal)

  const progress = await startProgress(output, 'importing', 'events', size)
  const begun = earlier?.imported ?? 0
  const onProgress = (offset: number, events: number) => progress.update(offset, events - begun)
  const file = { identity, progress: progressFile }
  const skipInvalid = options.skipInvalid === true
  try {
    return await runImport(
      invocation,
      path,
      (onRefused) => Importer.begin({ target, rows, file, skipInvalid, signal, onProgress, onRefused }, earlier),
      progress
    )
  } finally {
    progress.stop()
  }
}

function checkSame(earlier: ImportProgress, identity: string, target: string, { path }: ProgressFile): void {
  const wrong =
    earlier.identity !== identity
      ? 'with other content, or with other options'
      : earlier.target !== target
        ? `into ${earlier.target}`
        : undefined
  if (wrong === undefined) return
  throw new EventSystemError(
    'invalid_argument',
    `An import of this file was interrupted behind row ${earlier.row}, ${wrong}: ${path} says so. Give the same command to go on with it, or --restart to forget it.`
  )
}

/** Reads every row before the first is imported: of a file with a wrong row nothing is imported, so that it can be put right and imported whole. */
async function checkRows(
  output: Output,
  rows: Reading['rows'],
  identity: string,
  size: number,
  signal: AbortSignal
): Promise<void> {
  const progress = await startProgress(output, 'checking ', 'events', size)
  try {
    let count = 0
    for await (const row of rows()) {
      signal.throwIfAborted()
      eventOf(row, identity)
      count += 1
      if (count % 1_000 === 0) progress.update(row.endOffset, count)
    }
    progress.update(size, count)
  } finally {
    progress.stop()
  }
}

async function runImport(
  { output }: Invocation,
  file: string,
  begin: (onRefused: (row: RefusedRow) => void) => Promise<Importer>,
  progress?: Progress
): Promise<ExitCode> {
  const refused: RefusedRow[] = []
  let started = performance.now()
  const importer = await begin((row) => {
    if (refused.length < TOLD) refused.push(row)
  })
  started = performance.now()
  const report = await importer.run()
  progress?.stop()
  await show(output, file, report, refused, performance.now() - started)
  if (report.status === 'interrupted') return ExitCode.INTERRUPTED
  return report.refused > 0 ? ExitCode.PARTLY_DONE : ExitCode.DONE
}

async function show(
  output: Output,
  file: string,
  report: ImportReport,
  refused: readonly RefusedRow[],
  elapsedMs: number
): Promise<void> {
  const { imported, resumedBehindRow, found } = report
  const status = report.status === 'done' && report.refused > 0 ? 'partly_done' : report.status
  if (output.json) {
    const elapsed_ms = Math.round(elapsedMs)
    return output.document({
      status,
      file,
      imported,
      refused: report.refused,
      resumed_behind_row: resumedBehindRow,
      found,
      elapsed_ms,
      refused_rows: refused
    })
  }
  for (const { code, message } of refused) output.note(`refused: ${message} (${code})`)
  if (report.refused > refused.length) output.note(`refused: ${report.refused - refused.length} more`)
  const parts = [`${imported.toLocaleString('en')} events imported`]
  if (report.refused > 0) parts.push(`${report.refused.toLocaleString('en')} rows refused`)
  if (resumedBehindRow > 0) parts.push(`went on behind row ${resumedBehindRow.toLocaleString('en')}`)
  if (report.status === 'interrupted') parts.push('interrupted: the same command goes on from here')
  await output.line(parts.join(', '))
}
