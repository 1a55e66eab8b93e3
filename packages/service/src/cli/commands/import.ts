import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { learnEventTypes } from '../event-types.ts'
import { ExitCode } from '../exit-codes.ts'
import type { CsvOptions } from '../import/csv-file.ts'
import { publishPlan } from '../import/importer.ts'
import { inputOf } from '../import/input.ts'
import { DESCRIBED, type Fault, lookIntoLog, makePlan, type Plan } from '../import/plan.ts'
import { PRESET_NAMES, PRESETS } from '../import/presets.ts'
import { showFaults, showPlan, showReport } from '../import/report.ts'
import { RowIds } from '../import/row-ids.ts'
import { Source } from '../import/source.ts'
import { TIME_UNITS } from '../import/times.ts'
import type { Invocation, Run } from '../invocation.ts'
import { openService } from '../open-service.ts'
import { collectNames, examples } from '../options.ts'
import { withProgress } from '../progress.ts'
import type { Service } from '../service.ts'

export interface ImportOptions extends CsvOptions {
  readonly format?: 'ndjson' | 'csv'
  readonly skipInvalid?: true
  readonly dryRun?: true
}

const PRESET_LINES = PRESET_NAMES.map((name) => `  ${name.padEnd(10)}${PRESETS[name].description}`).join('\n')
const DELIMITER_NAMES: Readonly<Record<string, string>> = { tab: '\t', comma: ',', semicolon: ';' }

export function defineImport(command: Command, run: Run): void {
  command
    .argument('<file>', 'NDJSON or CSV, also in gzip; - for standard input')
    .option('--dry-run', 'only say what would be imported: columns, kinds, times, first rows, rows already in the log')
    .option(
      '--skip-invalid',
      'pass over wrong rows and end with 3; else a file with a wrong row is not imported at all'
    )
    .option(
      '--source <name>',
      'who the events are from, where a row does not say (default: for CSV the preset, or csv)'
    )
    .addOption(
      new Option('--format <format>', 'of the file (default: by its name, else by its first character)').choices([
        'ndjson',
        'csv'
      ])
    )
    .addOption(
      new Option('--preset <name>', 'with CSV: the layout of a well-known source (default: detected)').choices(
        PRESET_NAMES
      )
    )
    .option('--symbol <symbol>', 'with CSV: the symbol of every row')
    .option('--type <type>', 'with CSV: the type of the events (default: market_data_update)')
    .option(
      '--map <fields>',
      'with CSV: field=Column, with commas; fields of the data, timestamp, event_id, source; timestamp=Date+Time joins two columns (default: each column is the field of its name)',
      parseMap
    )
    .option('--text <columns>', 'with CSV: columns that stay text, with commas', collectNames)
    .option(
      '--header <names>',
      'with CSV: the names of the columns of a file without a header, with commas',
      collectNames
    )
    .option(
      '--delimiter <character>',
      'with CSV: what separates cells: tab, or a character (default: detected among comma, semicolon and tab)',
      parseDelimiter
    )
    .addOption(
      new Option('--time-unit <unit>', 'with CSV: what times count since 1970 (default: detected)').choices(TIME_UNITS)
    )
    .option('--time-format <format>', 'with CSV: how times are written, as in %m/%d/%Y %H:%M:%S')
    .option(
      '--time-zone <name>',
      'with CSV: where times without an offset are local, as in America/New_York (default: UTC)'
    )
    .addHelpText(
      'after',
      `
The whole file is checked before anything is published. A row without an event id gets one that is made of what it says: rows that
the log has are passed over, so that an import that was interrupted, or a corrected file, is imported by the same command.

Presets:
${PRESET_LINES}
${examples(
  'tradpal-events import events.ndjson',
  'tradpal-events import prices.csv --dry-run --map symbol=Ticker,price=Close,timestamp=Date,volume=Volume',
  'tradpal-events import aapl.csv --symbol AAPL --map price=Close,timestamp=Date --source exchange --time-zone America/New_York',
  'tradpal-events export --log other.db | tradpal-events import -'
)}`
    )
    .action(
      run<[string, ImportOptions]>(async (invocation, path, options) => {
        await using source = await Source.open(path, invocation)
        const work = (service: Service) => importInto(service, invocation, path, source, options)
        return options.dryRun ? await withoutMaking(invocation, work) : await withService(invocation, work)
      })
    )
}

/** A comma separates pairs only before the next `field=`: the name of a column may have one. */
function parseMap(text: string): Record<string, string> {
  const pairs = text
    .split(/,(?=\s*[a-z][a-z0-9_]*\s*=)/)
    .map((pair) => /^\s*([a-z][a-z0-9_]*)\s*=\s*(.+?)\s*$/.exec(pair))
  if (pairs.some((pair) => pair === null))
    throw new InvalidArgumentError('It must be field=Column,field=Column, such as price=Close,timestamp=Date.')
  const fields = pairs.map((pair) => pair?.[1] as string)
  const twice = fields.find((field, index) => fields.indexOf(field) !== index)
  if (twice !== undefined) throw new InvalidArgumentError(`It names ${twice} twice; a field has one column.`)
  return Object.fromEntries(pairs.map((pair) => [pair?.[1], pair?.[2]]))
}

function parseDelimiter(text: string): string {
  const delimiter = DELIMITER_NAMES[text] ?? text
  if (delimiter.length === 1 && !/["\r\n\w]/.test(delimiter)) return delimiter
  throw new InvalidArgumentError('It must be tab or one character, such as ; or |.')
}

async function withService(invocation: Invocation, work: (service: Service) => Promise<ExitCode>): Promise<ExitCode> {
  await using service = await invocation.openService({ create: true })
  return await work(service)
}

/** A dry run makes no log file: an empty log elsewhere stands for one that is not there yet. */
async function withoutMaking(invocation: Invocation, work: (service: Service) => Promise<ExitCode>): Promise<ExitCode> {
  const { globals, env } = invocation
  if (globals.log === undefined || existsSync(globals.log)) return withService(invocation, work)
  const folder = await mkdtemp(join(tmpdir(), 'tradpal-import-'))
  try {
    await using service = await openService({ ...globals, log: join(folder, 'empty.db') }, { env, create: true })
    return await work(service)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function importInto(
  { client }: Service,
  { output, signal }: Invocation,
  path: string,
  source: Source,
  options: ImportOptions
): Promise<ExitCode> {
  // Those that an operator registered at the service are then known here.
  await learnEventTypes(client)
  const started = performance.now()
  const { input, csv } = await inputOf({ client, path, source, options, signal })
  const ids = new RowIds()
  const plan = await withProgress(output, { what: 'checking ', unit: 'rows', of: source }, (tell) =>
    makePlan(input, ids, tell)
  )
  const stop = () => plan.wrong > 0 && !input.skipInvalid
  if (!stop())
    await withProgress(output, { what: 'comparing', unit: 'events' }, (tell) => lookIntoLog(input, plan, tell))
  if (options.dryRun) await showPlan(output, { path, plan, csv })
  if (stop()) {
    showFaults(output, plan)
    return ExitCode.WRONG_INPUT
  }
  if (options.dryRun) return plan.wrong > 0 ? ExitCode.PARTLY_DONE : ExitCode.DONE

  const onFault = (fault: Fault) => addLateFault(plan, fault)
  let imported = 0
  const published = await withProgress(output, { what: 'importing', unit: 'events', of: source }, (tell) => {
    const onProgress = (events: number) => {
      imported = events
      tell(events)
    }
    return publishPlan(input, plan, { onProgress, onFault })
  }).catch((error) => {
    if (imported > 0)
      output.note(`${imported} events or more were imported before it failed: the same command imports the rest.`)
    throw error
  })
  await showReport(output, { path, plan, published, csv, elapsedMs: performance.now() - started })
  if (published.status === 'interrupted') return ExitCode.INTERRUPTED
  return plan.wrong > 0 ? ExitCode.PARTLY_DONE : ExitCode.DONE
}

function addLateFault(plan: Plan, fault: Fault): void {
  plan.wrong += 1
  if (plan.faults.length < DESCRIBED) plan.faults.push(fault)
}
