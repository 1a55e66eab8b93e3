import { ageMs } from '@tradpal/events'
import { type Command, InvalidArgumentError, Option } from 'commander'

/** Options that every command takes, before or behind its name. */
export interface GlobalOptions {
  readonly url?: string
  readonly log?: string
  readonly redis?: string
  readonly stream?: string
  /** Of a service: a file with its API key, and files for TLS. */
  readonly apiKeyFile?: string
  readonly ca?: string
  readonly cert?: string
  readonly certKey?: string
  readonly json?: true
  /** In ms. */
  readonly timeout?: number
}

/** Which events, as the options of a command say. */
export interface RangeOptions {
  readonly type?: readonly string[]
  readonly symbol?: readonly string[]
  readonly symbols?: readonly string[]
  /** In ms since the epoch. */
  readonly start?: number
  readonly end?: number
  readonly time?: 'log' | 'event'
  readonly after?: string
}

const A_YEAR_MS = 366 * 86_400_000

export const TIMES_HELP = 'a time (2026-11-23, 2026-11-23T08:49:10Z) or how long ago (90s, 15m, 2h, 7d, 2w)'

function parseDuration(text: string): number {
  const ms = ageMs(text)
  if (ms !== undefined && ms > 0 && ms < 2 ** 31) return ms
  throw new InvalidArgumentError('It must be a duration such as 500ms, 10s or 2m.')
}

/** A span of time of up to a hundred years, in ms. */
export function parseSpan(text: string): number {
  const ms = ageMs(text)
  if (ms !== undefined && ms > 0 && ms < 100 * A_YEAR_MS) return ms
  throw new InvalidArgumentError('It must be a duration such as 12h, 90d or 2w.')
}

export function parseCount(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a whole number.')
}

export function parsePositive(text: string): number {
  const count = parseCount(text)
  if (count > 0) return count
  throw new InvalidArgumentError('It must be a whole number of at least 1.')
}

/** An instant in ms since the epoch: RFC 3339, where no offset means UTC, or a date alone, or how long ago. */
export function parseTime(text: string): number {
  const ms = timeMs(text)
  if (ms !== undefined) return ms
  throw new InvalidArgumentError(`It must be ${TIMES_HELP}.`)
}

/** As {@link parseTime}; undefined for what is no time. */
export function timeMs(text: string): number | undefined {
  const agoMs = ageMs(text)
  if (agoMs !== undefined) return Date.now() - agoMs
  const match = /^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)([Zz]|[+-]\d\d:\d\d)?)?$/.exec(text)
  if (match === null) return undefined
  const [, date, time = '00:00', offset = 'Z'] = match
  const ms = Date.parse(`${date}T${time}${offset.toUpperCase()}`)
  // Date.parse takes the 31st of February for a day in March.
  const exists = Date.parse(`${date}T00:00Z`) && new Date(`${date}T00:00Z`).toISOString().startsWith(date as string)
  return Number.isNaN(ms) || !exists ? undefined : ms
}

export function parseSpeed(text: string): number | 'max' {
  if (text === 'max') return text
  const speed = Number(text)
  if (/^\d+(\.\d+)?$/.test(text) && speed > 0) return speed
  throw new InvalidArgumentError('It must be a number above 0, where 1 is the original pace, or max.')
}

/** Adds up an option that is given several times or with commas. */
export function collectNames(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, ...text.split(',').filter((name) => name !== '')]
}

/** Adds up an option that is given several times. A symbol may have any character in it. */
function collectSymbol(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text]
}

export function addGlobalOptions(program: Command): void {
  program
    .option(
      '--url <url>',
      'speak to the service at this address (default: EVENT_SERVICE_URL, or http://localhost:8011)'
    )
    .option('--log <file>', 'open the embedded log in this file directly')
    .option('--redis <url>', 'open the log in this Redis directly')
    .option('--stream <name>', 'with --redis: the stream (default: EVENT_STREAM_NAME, or tradpal_events)')
    .option('--api-key-file <file>', 'with a service: its API key is in this file (default: EVENT_API_KEY)')
    .option(
      '--ca <file>',
      'with https: the authorities to trust, in PEM (default: EVENT_CLIENT_CA_FILE, or those of Node)'
    )
    .option('--cert <file>', 'with https: the client certificate, in PEM (default: EVENT_CLIENT_CERT_FILE)')
    .option('--cert-key <file>', 'and its private key (default: EVENT_CLIENT_KEY_FILE)')
    .option('--json', 'write JSON for machines: one document, or one line an event')
    .option('--timeout <duration>', 'how long to wait for each answer: 500ms, 10s, 2m', parseDuration)
}

/** Those that were given which are of a service alone. */
export function serviceOptions({ apiKeyFile, ca, cert, certKey }: GlobalOptions): string[] {
  const given = { '--api-key-file': apiKeyFile, '--ca': ca, '--cert': cert, '--cert-key': certKey }
  return Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [name]))
}

/** `--type` and `--symbol`. */
export function addFilterOptions(command: Command): Command {
  return command
    .option('-t, --type <type>', 'only events of this type; several: --type a,b', collectNames)
    .option('-s, --symbol <symbol>', 'only events whose data.symbol is this; several: repeat it', collectSymbol)
    .addOption(
      new Option('--symbols <symbols>', 'the same, with commas between them')
        .argParser(collectNames)
        .conflicts('symbol')
    )
}

/** {@link addFilterOptions} and the bounds of a range. */
export function addRangeOptions(command: Command): Command {
  return addFilterOptions(command)
    .option('--start <time>', `at this time or later: ${TIMES_HELP}`, parseTime)
    .option('--end <time>', 'at this time or earlier', parseTime)
    .addOption(timeOption('which times these are, and the order'))
    .addOption(new Option('--after <position>', 'behind this position or message id').conflicts('start'))
}

/** `--time`. */
export function timeOption(what: string): Option {
  const meaning = 'log, when the log took the events (default), or event, when they happened'
  return new Option('--time <which>', `${what}: ${meaning}`).choices(['log', 'event'])
}

/** The examples that close the help of a command. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`
}
