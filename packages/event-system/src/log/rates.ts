import { EventSystemError } from '@tradpal/events'
import type { Collections, Rate, RateRange } from './port.ts'

/** The lasting collection of how many entries a log took, by when it took them and by event type. */
export const RATES = 'rates'
/** The counts of a minute are kept for this long, in ms: 30 days. Those of an hour are kept for ever. */
const MINUTES_KEPT_MS = 30 * 86_400_000

/** A count has at most this many event types. Those beyond, and names that are longer, are counted together. */
const MOST_TYPES = 1_000
const LONGEST_TYPE = 200
const OTHER_TYPES = '(other)'
/** The last instant that has a date, in ms. */
const LAST_DATE_MS = 8_640_000_000_000_000
/** How many documents are read at once. */
const PAGE = 1_000

/** The ids of the documents: `minute:2026-11-30T12:34Z`, `hour:2026-11-30T12Z`. They sort by time. */
const FORMS = {
  minute: (at: string) => `minute:${at.slice(0, 16)}Z`,
  hour: (at: string) => `hour:${at.slice(0, 13)}Z`
}

type Counts = ReadonlyMap<string, number>

/** The id of the document that counts what was taken at this instant. */
function idOf(per: RateRange['per'], ms: number): string {
  return FORMS[per](new Date(ms).toISOString())
}

function beginningOf(id: string): number {
  const at = id.slice(id.indexOf(':') + 1, -1)
  return Date.parse(at.includes(':') ? `${at}:00Z` : `${at}:00:00Z`)
}

/** The id of the first minute that is kept: those before it are forgotten. */
export function firstMinuteKept(now: number): string {
  return idOf('minute', now - MINUTES_KEPT_MS)
}

/** What is to be counted, document by document. */
export class Tally {
  readonly #counts = new Map<string, Map<string, number>>()
  readonly #minutesFrom: number

  /** `now`: minutes that are older than are kept are not counted. */
  constructor(now: number) {
    this.#minutesFrom = now - MINUTES_KEPT_MS
  }

  /** The ids of the documents. */
  get ids(): string[] {
    return [...this.#counts.keys()]
  }

  /** An entry that another program wrote may stand at an instant that has no date: it is not counted. */
  add(eventType: string, appendedAt: number, count = 1): void {
    if (Math.abs(appendedAt) > LAST_DATE_MS) return
    this.#count(idOf('hour', appendedAt), eventType, count)
    if (appendedAt >= this.#minutesFrom) this.#count(idOf('minute', appendedAt), eventType, count)
  }

  /** The value of a document with what is to be counted. */
  countedIn(id: string, value: string | undefined): string {
    return JSON.stringify(Object.fromEntries(sumOf(countsIn(value), this.#counts.get(id) ?? new Map())))
  }

  #count(id: string, eventType: string, count: number): void {
    const counts = this.#counts.get(id) ?? new Map<string, number>()
    this.#counts.set(id, counts.set(eventType, (counts.get(eventType) ?? 0) + count))
  }
}

/**
 * The counts of a range: those of the documents, and what `uncounted` says, once the one fits the other. A change of the documents in
 * between moves counts from there to here. Rejects with `invalid_argument`.
 */
export async function ratesOf(
  collections: Pick<Collections, 'list' | 'revision'>,
  uncounted: () => Promise<Tally>,
  range: RateRange
): Promise<Rate[]> {
  const [first, last] = idsOf(range)
  for (;;) {
    const revision = await collections.revision(RATES)
    const documents = await documentsBetween(collections, `${range.per}:`, first, last)
    const rest = await uncounted()
    if ((await collections.revision(RATES)) !== revision) continue
    for (const id of rest.ids) if (id >= first && id <= last && !documents.has(id)) documents.set(id, '{}')
    return [...documents]
      .map(([id, value]) => ({ at: beginningOf(id), counts: JSON.parse(rest.countedIn(id, value)) as Rate['counts'] }))
      .sort((a, b) => a.at - b.at)
  }
}

async function documentsBetween(
  collections: Pick<Collections, 'list'>,
  prefix: string,
  first: string,
  last: string
): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (let after = justBefore(first); ; ) {
    const page = await collections.list(RATES, { prefix, after, limit: PAGE })
    for (const { id, value } of page) if (id <= last) found.set(id, value)
    const final = page.at(-1)
    if (final === undefined || page.length < PAGE || final.id > last) return found
    after = final.id
  }
}

function idsOf({ per, from, to }: RateRange): [first: string, last: string] {
  if (!Object.hasOwn(FORMS, per)) throw wrong(`Rates are per minute or hour, got ${JSON.stringify(per)}.`)
  for (const [name, ms] of Object.entries({ from, to })) {
    if (!(Math.abs(ms) <= LAST_DATE_MS)) throw wrong(`${name} must be an instant in ms since the epoch, got ${ms}.`)
  }
  return [idOf(per, from), idOf(per, to)]
}

/** No id stands between this one and the one that is given. */
function justBefore(id: string): string {
  return `${id.slice(0, -1)}Y`
}

function countsIn(value: string | undefined): Counts {
  return new Map(Object.entries(value === undefined ? {} : (JSON.parse(value) as Record<string, number>)))
}

function sumOf(counts: Counts, more: Counts): Counts {
  const sum = new Map(counts)
  for (const [eventType, count] of more) {
    const isCounted = sum.has(eventType) || (sum.size < MOST_TYPES && eventType.length <= LONGEST_TYPE)
    const name = isCounted ? eventType : OTHER_TYPES
    sum.set(name, (sum.get(name) ?? 0) + count)
  }
  return sum
}

function wrong(sentence: string): EventSystemError {
  return new EventSystemError('invalid_argument', sentence)
}
