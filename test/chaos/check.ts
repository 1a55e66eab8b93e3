import type { Entry } from './diary.ts'

/** An event where it stands in the log, as its raw driver reads it. */
export interface LogEntry {
  readonly messageId: string
  readonly eventId: string
  readonly publisher: string
  readonly key: string
  readonly number: number
}

/** What a run left. */
export interface Evidence {
  /** Each publisher's lines in the order in which it wrote them. */
  readonly diary: readonly Entry[]
  /** In log order. */
  readonly log: readonly LogEntry[]
  readonly deduplicationWindowMs: number
  /** By publisher: what its spool holds when all is over. */
  readonly leftInSpools: Readonly<Record<string, number>>
}

export type FindingName =
  | 'missing'
  | 'doubled'
  | 'out of order'
  | 'elsewhere than told'
  | 'written though refused'
  | 'of nobody'
  | 'left in the spool'

export interface Verdict {
  readonly events: number
  readonly promised: number
  /** Of those promised, how many by way of the spool. */
  readonly spooled: number
  /** Answers that said that nothing was written; and events that were not offered again then. */
  readonly refused: number
  readonly givenUp: number
  /** Answers that said that it is not known, and offers that the end of their process cut short. */
  readonly unknown: number
  readonly cutShort: number
  /**
   * Events that stand in the log twice, as documented: offered again after the window; or by the process that came after the
   * one that died over them, and into the log, by way of the spool, after the window.
   */
  readonly againAfterTheWindow: number
  /** What went wrong, `publisher key number` each. */
  readonly findings: Readonly<Record<FindingName, readonly string[]>>
}

/** What the diary says of one event. */
interface Story {
  readonly name: string
  readonly number: number
  readonly eventId: string
  /** By their places in the diary of the lane. */
  readonly offers: number[]
  readonly offeredAt: number[]
  promisedIn: number
  messageId: string | undefined
  isGivenUp: boolean
  wasUnknown: boolean
  /** An offer ended with the process that had it. */
  wasForgotten: boolean
  answers: number
}

/** Holds what the publishers were told against the log. It knows nothing of how publishing works. */
export function check({ diary, log, deduplicationWindowMs, leftInSpools }: Evidence): Verdict {
  const stories = storiesOf(diary)
  const places = new Map<string, LogEntry[]>()
  for (const entry of log) places.set(entry.eventId, [...(places.get(entry.eventId) ?? []), entry])
  const all = [...stories.values()]
  const count = (what: Entry['what']) => diary.filter((entry) => entry.what === what).length
  const promised = all.filter(({ promisedIn }) => promisedIn >= 0)
  const several = all.filter(({ eventId }) => (places.get(eventId)?.length ?? 0) > 1)
  const asDocumented = several.filter((story) => {
    const distance = distanceOf(places.get(story.eventId) ?? [])
    const isForgotten = story.wasForgotten && distance >= deduplicationWindowMs
    return isForgotten || isAgainAfterTheWindow(story, deduplicationWindowMs)
  })
  const names = (some: readonly Story[]) => some.map(({ name }) => name)
  return {
    events: log.length,
    promised: promised.length,
    spooled: count('spooled'),
    refused: count('refused'),
    givenUp: count('given up'),
    unknown: count('unknown'),
    cutShort: all.reduce((sum, { offers, answers }) => sum + offers.length - answers, 0),
    againAfterTheWindow: asDocumented.length,
    findings: {
      missing: names(promised.filter(({ eventId }) => !places.has(eventId))),
      doubled: names(several.filter((story) => !asDocumented.includes(story))),
      'out of order': outOfOrder(log, stories),
      'elsewhere than told': names(
        promised.filter(({ eventId, messageId }) => {
          const ids = places.get(eventId)?.map((entry) => entry.messageId)
          return messageId !== undefined && ids !== undefined && !ids.includes(messageId)
        })
      ),
      'written though refused': names(
        all.filter(({ isGivenUp, wasUnknown, eventId }) => isGivenUp && !wasUnknown && places.has(eventId))
      ),
      'of nobody': log.filter(({ eventId }) => !stories.has(eventId)).map(nameOf),
      'left in the spool': Object.entries(leftInSpools)
        .filter(([, records]) => records > 0)
        .map(([publisher, records]) => `${publisher} ${records}`)
    }
  }
}

function storiesOf(diary: readonly Entry[]): Map<string, Story> {
  const stories = new Map<string, Story>()
  for (const [place, { what, eventId, number, at, messageId, code, ...of }] of diary.entries()) {
    const story = stories.get(eventId) ?? newStory(nameOf({ ...of, number }), number, eventId)
    stories.set(eventId, story)
    if (what === 'given up') story.isGivenUp = true
    else if (what === 'offered') {
      // An offer before this one that nobody answered.
      if (story.offers.length > story.answers) {
        story.wasUnknown = true
        story.wasForgotten = true
      }
      story.offers.push(place)
      story.offeredAt.push(at)
    } else {
      story.answers++
      if (what === 'unknown') story.wasUnknown = true
      if (code === 'no_answer') story.wasForgotten = true
      if (what === 'published') story.messageId = messageId
      if (what === 'published' || what === 'spooled') story.promisedIn = place
    }
  }
  return stories
}

function newStory(name: string, number: number, eventId: string): Story {
  return {
    name,
    number,
    eventId,
    offers: [],
    offeredAt: [],
    promisedIn: -1,
    messageId: undefined,
    isGivenUp: false,
    wasUnknown: false,
    wasForgotten: false,
    answers: 0
  }
}

function isAgainAfterTheWindow({ wasUnknown, offeredAt }: Story, windowMs: number): boolean {
  return wasUnknown && (offeredAt.at(-1) ?? 0) - (offeredAt[0] ?? 0) >= windowMs
}

/** Between the first and the last of them in the log, in ms. */
function distanceOf(entries: readonly LogEntry[]): number {
  const times = entries.map(({ messageId }) => Number.parseInt(messageId, 10))
  return Math.max(...times) - Math.min(...times)
}

/**
 * The rule of order: of a publisher and a key, an event that was promised before another was offered stands before it in
 * the log; so does one that was offered earlier while the other was offered too, when neither had to be offered again.
 */
function outOfOrder(log: readonly LogEntry[], stories: ReadonlyMap<string, Story>): string[] {
  const seen = new Set<string>()
  const lanes = new Map<string, Story[]>()
  for (const { eventId, publisher, key } of log) {
    const story = stories.get(eventId)
    if (story === undefined || seen.has(eventId)) continue
    seen.add(eventId)
    const lane = `${publisher} ${key}`
    const before = lanes.get(lane)
    if (before === undefined) lanes.set(lane, [story])
    else before.push(story)
  }
  return [...lanes.values()]
    .flatMap((lane) => lane.filter((story, i) => isBehindALater(story, lane, i)))
    .map(nameOfStory)
}

/** Those that stand before it and have a higher number are few and near: it is looked for them from its place on, backwards. */
function isBehindALater(story: Story, lane: readonly Story[], place: number): boolean {
  for (let i = place - 1; i >= 0; i--) {
    const earlier = lane[i] as Story
    if (earlier.number > story.number && wasToComeBefore(story, earlier)) return true
  }
  return false
}

function wasToComeBefore(one: Story, other: Story): boolean {
  const otherOffered = other.offers[0] ?? Number.POSITIVE_INFINITY
  if (one.promisedIn >= 0 && one.promisedIn < otherOffered) return true
  return one.offers.length === 1 && other.offers.length === 1 && one.promisedIn >= 0 && other.promisedIn >= 0
}

function nameOfStory({ name }: Story): string {
  return name
}

function nameOf({ publisher, key, number }: Pick<Entry, 'publisher' | 'key' | 'number'>): string {
  return `${publisher} ${key} ${number}`
}

/** What must not have happened. */
export function faultsFound({ findings }: Verdict): string[] {
  return Object.entries(findings)
    .filter(([, found]) => found.length > 0)
    .map(([name, found]) => `${name}: ${found.length}`)
}
