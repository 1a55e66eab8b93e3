/** A time as a text says it, with no zone where it says none. The parts are digits as they stand. */
export interface WrittenTime {
  readonly year: string
  readonly month: string
  readonly day: string
  readonly hour: string
  readonly minute: string
  readonly second: string
  /** Digits behind the point of the second. */
  readonly fraction: string
  /** `+05:30`. Undefined where the text says none. */
  readonly offset: string | undefined
}

const MONTHS = 'january february march april may june july august september october november december'.split(' ')
const NAMED_MONTH = '(?<month>[A-Za-z]{3,9})'

/** Dates that can be read in one way only. */
const DATES: readonly string[] = [
  // 2024-01-31, 2024/01/31, 2024.01.31
  '(?<year>\\d{4})(?<separator>[-/.])(?<month>\\d{1,2})\\k<separator>(?<day>\\d{1,2})',
  // 31 Jan 2024, 31-Jan-2024
  `(?<day>\\d{1,2})[- ]${NAMED_MONTH}[- ](?<year>\\d{4})`,
  // Jan 31 2024, January 31, 2024
  `${NAMED_MONTH} (?<day>\\d{1,2}),? (?<year>\\d{4})`
]
const CLOCK =
  '(?<hour>\\d{1,2}):(?<minute>\\d\\d)(?::(?<second>\\d\\d)(?:[.,](?<fraction>\\d+))?)?(?: ?(?<half>[AaPp][Mm]))?'
const UTC = ' ?(?<utc>[Zz]|UTC|GMT)'
const OFFSET = `(?:${UTC}| ?(?<offset>[+-]\\d\\d(?::?\\d\\d)?))?`
const FORMS = DATES.map(
  (date) => new RegExp(`^${date}(?:(?:[Tt]|,? +)${CLOCK}${OFFSET}|${UTC.replace('utc', 'utcOfDate')})?$`)
)
/** 20240131, 20240131 093000, 20240131T093000.123Z, 20240131093000. */
const COMPACT = new RegExp(
  `^(?<year>\\d{4})(?<month>\\d\\d)(?<day>\\d\\d)(?:(?:[Tt ]?(?<hour>\\d\\d)(?<minute>\\d\\d)(?:(?<second>\\d\\d)(?:\\.?(?<fraction>\\d{3,}))?)?|[Tt ]${CLOCK.replace(/<(?!half)/g, '<clock_')})${OFFSET})?$`
)

type Groups = Readonly<Record<string, string | undefined>>

/** Reads a time of the forms that are clear by themselves. Undefined for any other text. Whether the day exists is not checked. */
export function readClearTime(text: string): WrittenTime | undefined {
  for (const form of FORMS) {
    const groups = form.exec(text)?.groups
    if (groups !== undefined) return writtenTime(groups)
  }
  return readCompactTime(text)
}

/** Reads a time that begins with a date of eight digits. */
export function readCompactTime(text: string): WrittenTime | undefined {
  const groups = COMPACT.exec(text)?.groups
  if (groups === undefined) return undefined
  const ofClock = Object.entries(groups).map(([name, value]) => [name.replace('clock_', ''), value] as const)
  return writtenTime(Object.fromEntries(ofClock.filter(([, value]) => value !== undefined)))
}

/** What the directives of `--time-format` read, as Python's `strptime` names them. */
const DIRECTIVES: Readonly<Record<string, string>> = {
  Y: '(?<year>\\d{4})',
  y: '(?<shortYear>\\d\\d)',
  m: '(?<month>\\d{1,2})',
  d: '(?<day>\\d{1,2})',
  b: NAMED_MONTH,
  B: NAMED_MONTH,
  H: '(?<hour>\\d{1,2})',
  I: '(?<hour>\\d{1,2})',
  M: '(?<minute>\\d{1,2})',
  S: '(?<second>\\d{1,2})',
  f: '(?<fraction>\\d+)',
  p: '(?<half>[AaPp][Mm])',
  z: '(?<offset>[Zz]|[+-]\\d\\d(?::?\\d\\d)?)',
  '%': '%'
}

/** The reader of a format such as `%m/%d/%Y %H:%M:%S`. Throws a RangeError that says what is wrong with the format. */
export function timeFormat(format: string): (text: string) => WrittenTime | undefined {
  const used: string[] = []
  const pattern = format.replace(/%(.?)|[^%]/g, (part, directive?: string) => {
    if (directive === undefined) return part.replace(/[.*+?^${}()|[\]\\/-]/, '\\$&')
    const read = DIRECTIVES[directive]
    if (read === undefined) throw new RangeError(`it has no ${part}; it has ${known()}`)
    used.push(directive)
    return read
  })
  const twice = used.find((directive, index) => directive !== '%' && used.indexOf(directive) !== index)
  if (twice !== undefined) throw new RangeError(`it has %${twice} twice`)
  for (const [what, ...ways] of [
    ['year', 'Y', 'y'],
    ['month', 'm', 'b', 'B'],
    ['day', 'd']
  ] as const) {
    const found = ways.filter((way) => used.includes(way))
    if (found.length !== 1)
      throw new RangeError(`it needs the ${what} once: ${ways.map((way) => `%${way}`).join(' or ')}`)
  }
  if (used.includes('H') && used.includes('I')) throw new RangeError('it has the hour twice: %H and %I')
  if (used.includes('I') !== used.includes('p')) throw new RangeError('%I and %p go together')
  const form = new RegExp(`^${pattern}$`)
  return (text) => {
    const groups = form.exec(text)?.groups
    return groups && writtenTime(groups)
  }
}

function known(): string {
  return Object.keys(DIRECTIVES)
    .map((directive) => `%${directive}`)
    .join(', ')
}

function writtenTime(groups: Groups): WrittenTime | undefined {
  const month = monthOf(groups.month as string)
  const hour = hourOf(groups.hour ?? '0', groups.half)
  if (month === undefined || hour === undefined) return undefined
  return {
    year: groups.year ?? fullYear(groups.shortYear as string),
    month,
    day: twoDigits(groups.day as string),
    hour,
    minute: twoDigits(groups.minute ?? '0'),
    second: twoDigits(groups.second ?? '0'),
    fraction: groups.fraction ?? '',
    offset: groups.utc !== undefined || groups.utcOfDate !== undefined ? '+00:00' : offsetOf(groups.offset)
  }
}

/** The whole name of a month or its first three letters, whatever the case. */
function monthOf(text: string): string | undefined {
  if (/^\d/.test(text)) return twoDigits(text)
  const name = text.toLowerCase()
  const index = MONTHS.findIndex((month) => month === name || month.slice(0, 3) === name)
  return index === -1 ? undefined : twoDigits(String(index + 1))
}

function hourOf(text: string, half: string | undefined): string | undefined {
  if (half === undefined) return twoDigits(text)
  const hour = Number(text)
  if (hour < 1 || hour > 12) return undefined
  return twoDigits(String((hour % 12) + (/p/i.test(half) ? 12 : 0)))
}

/** As POSIX reads two digits: 69 to 99 are of the last century. */
function fullYear(text: string): string {
  return `${Number(text) >= 69 ? 19 : 20}${text}`
}

function offsetOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  if (/^[Zz]$/.test(text)) return '+00:00'
  const digits = text.replace(':', '')
  return `${digits.slice(0, 3)}:${digits.slice(3) || '00'}`
}

function twoDigits(text: string): string {
  return text.padStart(2, '0')
}
