import { Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import { EventSystemError, type StoredEvent } from '@tradpal/events'
import { type Command, Option } from 'commander'
import { csvLine, valueAt } from '../csv.ts'
import { ndjsonOf, rangeOf, wireOf } from '../event-text.ts'
import { EVENT_COLUMNS, isExportColumn } from '../export-columns.ts'
import { noteIfHappened } from '../happened-then.ts'
import type { Run } from '../invocation.ts'
import { addRangeOptions, collectNames, examples, type RangeOptions } from '../options.ts'
import type { Output } from '../output.ts'
import { startProgress } from '../progress.ts'
import type { Service } from '../service.ts'
import { writeWhole } from '../whole-file.ts'

interface ExportOptions extends RangeOptions {
  readonly output?: string
  readonly format?: 'ndjson' | 'csv'
  readonly columns?: readonly string[]
}

type Format = (event: StoredEvent) => string

/** Text is written in pieces of about so many characters. */
const PIECE = 65_536

export function defineExport(command: Command, run: Run): void {
  addRangeOptions(command)
    .option(
      '-o, --output <file>',
      'write to this file, in gzip when it is named .gz; it appears when it is whole, and a new one can be read by its owner alone (default: standard output)'
    )
    .addOption(
      new Option(
        '--format <format>',
        'of the lines (default: csv for a file named .csv or .csv.gz, else ndjson)'
      ).choices(['ndjson', 'csv'])
    )
    .option(
      '--columns <names>',
      'with csv: which, such as timestamp,data.symbol,data.price (default: each part of an event)',
      collectNames
    )
    .addHelpText(
      'after',
      examples(
        'tradpal-events export --output events.ndjson',
        'tradpal-events export --type market_data_update --columns timestamp,data.symbol,data.price -o prices.csv',
        'tradpal-events export --start 2026-11-01 --end 2026-11-30 --format csv',
        'tradpal-events export --start 2026-11-01 --end 2026-11-30 --time event -o november.ndjson.gz'
      )
    )
    .action(
      run<[ExportOptions]>(async ({ output, signal, openService }, options) => {
        const { head, format } = formatOf(options)
        await using service = await openService()
        const events = watched(output, service, options, signal)
        let count = 0
        const text = pieces(head, events, (event) => {
          count += 1
          return format(event)
        })
        if (options.output === undefined) {
          for await (const piece of text) await output.write(piece)
          notePassedOver(output, passedOverOf(service))
          if (count === 0) await noteIfHappened(output, service, rangeOf(options))
          return
        }
        await writeWhole(options.output, /\.gz$/i.test(options.output) ? zipped(text) : text)
        const { output: file } = options
        const passedOver = passedOverOf(service)
        if (output.json) return output.document({ status: 'exported', file, events: count, passed_over: passedOver })
        output.note(`${count.toLocaleString('en')} ${count === 1 ? 'event' : 'events'} exported to ${file}`)
        notePassedOver(output, passedOver)
        if (count === 0) await noteIfHappened(output, service, rangeOf(options))
      })
    )
}

/** None comes with the answers of a service. */
function passedOverOf({ opened }: Service): number {
  return opened?.passedOver() ?? 0
}

function notePassedOver(output: Output, passedOver: number): void {
  if (passedOver === 0) return
  const entries =
    passedOver === 1 ? '1 entry of the log is' : `${passedOver.toLocaleString('en')} entries of the log are`
  output.note(`${entries} no valid event, and not in the export.`)
}

function formatOf({ format, output = '', columns }: ExportOptions): { head: string; format: Format } {
  const csv = format === undefined ? /\.csv(?:\.gz)?$/i.test(output) : format === 'csv'
  if (!csv && columns !== undefined) {
    throw new EventSystemError('invalid_options', '--columns are of CSV: give --format csv with them.')
  }
  if (!csv) return { head: '', format: ndjsonOf }
  const names = columns ?? EVENT_COLUMNS
  const wrong = names.find((name) => !isExportColumn(name))
  if (wrong !== undefined) {
    throw new EventSystemError(
      'invalid_options',
      `--columns: there is no ${wrong}; there are ${EVENT_COLUMNS.join(', ')}, data.<field> and metadata.<field>.`
    )
  }
  return { head: csvLine(names), format: (event) => csvLine(names.map((name) => valueAt(wireOf(event), name))) }
}

/**
 * The events of the range, with progress. How many a filter lets through is not known before: the bar counts by the time at which the log
 * took them, and in another order there is none.
 */
async function* watched(
  output: Output,
  { client }: Service,
  options: ExportOptions,
  signal: AbortSignal
): AsyncGenerator<StoredEvent> {
  const { first_entry: first = null, last_entry: last = null } = output.watched ? await client.getEventStats() : {}
  const firstMs = timeOf(first, options.start, Math.max)
  const lastMs = timeOf(last, options.end, Math.min)
  const total = options.time === 'event' ? undefined : Math.max(1, lastMs - firstMs)
  const progress = await startProgress(output, 'exporting', 'events', total)
  let count = 0
  try {
    for await (const event of client.streamReplay({ ...rangeOf(options), signal, raw: true })) {
      signal.throwIfAborted()
      count += 1
      if (count % 1_000 === 0) progress.update(timeOf(event.messageId) - firstMs, count)
      yield event
    }
    progress.update(Math.max(1, lastMs - firstMs), count)
  } finally {
    progress.stop()
  }
}

/** The first part of a message id is when the log took it: good enough for a bar. */
function timeOf(messageId: string | null, bound?: number, choose = Math.max): number {
  const ms = Number.parseInt(messageId ?? '', 10) || 0
  return bound === undefined ? ms : choose(ms, bound)
}

async function* pieces(head: string, events: AsyncIterable<StoredEvent>, format: Format): AsyncGenerator<string> {
  let piece = head
  for await (const event of events) {
    piece += format(event)
    if (piece.length < PIECE) continue
    yield piece
    piece = ''
  }
  if (piece !== '') yield piece
}

function zipped(text: AsyncIterable<string>): AsyncIterable<Uint8Array> {
  const read = Readable.from(text)
  const gzip = createGzip()
  // What fails ends the file with its own error.
  read.once('error', (error) => gzip.destroy(error)).pipe(gzip)
  return gzip
}
