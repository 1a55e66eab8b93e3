import { EventSystemError } from '@tradpal/events'
import { Temporal } from 'temporal-polyfill'

/** Local times of one time zone of the IANA database. */
export class TimeZone {
  readonly name: string
  /** By day, where no clock is changed from the day before to the day after. */
  readonly #offsets = new Map<string, string | undefined>()

  /** Throws `invalid_options` for an unknown name. */
  constructor(name: string) {
    this.name = name
    try {
      Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name)
    } catch (cause) {
      const sentence = `--time-zone: there is no time zone ${JSON.stringify(name)}; give a name such as America/New_York or UTC.`
      throw new EventSystemError('invalid_options', sentence, { cause })
    }
  }

  /**
   * The offset of a local time, `-05:00`. Throws a RangeError for a time that the clocks skip, and for one that they show
   * twice.
   */
  offsetAt(day: string, time: string): string {
    if (!this.#offsets.has(day)) this.#offsets.set(day, this.#offsetOfDay(day))
    const known = this.#offsets.get(day)
    if (known !== undefined) return known
    const local = Temporal.PlainDateTime.from(`${day}T${time}`)
    const [earlier, later] = (['earlier', 'later'] as const).map((disambiguation) =>
      local.toZonedDateTime(this.name, { disambiguation })
    ) as [Temporal.ZonedDateTime, Temporal.ZonedDateTime]
    if (earlier.offset === later.offset) return toMinutes(earlier.offset)
    if (earlier.toPlainDateTime().equals(local)) {
      throw new RangeError(`comes twice in ${this.name}, when the clocks are set back: write it with its offset`)
    }
    throw new RangeError(`does not exist in ${this.name}: the clocks are set forward over it`)
  }

  #offsetOfDay(day: string): string | undefined {
    const noon = Temporal.PlainDate.from(day)
    const offsets = [-1, 0, 1, 2].map((days) => noon.add({ days }).toZonedDateTime(this.name).offset)
    return offsets.every((offset) => offset === offsets[0]) ? toMinutes(offsets[0] as string) : undefined
  }
}

/** Before about 1900 offsets have seconds, which RFC 3339 has no form for. */
function toMinutes(offset: string): string {
  if (offset.length === 6) return offset
  throw new RangeError(`has the offset ${offset} there, which is no whole minute: write it with its offset`)
}
