import {
  type DeadLetter,
  type DeadLetterAction,
  type DeadLetterCause,
  type DeadLetterOffice,
  EventSystemError,
  knownEventTypes
} from '@tradpal/event-system'
import { mayRead, mayReadAll, mustHave, type Principal } from '@tradpal/event-system/access'

type Filter = Parameters<DeadLetterOffice['count']>[0]
type Page = Parameters<DeadLetterOffice['list']>[0]
type CausesFilter = Parameters<DeadLetterOffice['causes']>[0]
type ActionsPage = Parameters<DeadLetterOffice['actions']>[0]

/** Letters are looked at in pages of so many. */
const PAGE = 1_000

/** The dead letters whose events a principal may read. Of the others it is not told that they are there; nor of those that are no events, unless it may read everything. */
export class ReadableLetters {
  readonly #office: DeadLetterOffice
  readonly #principal: Principal

  constructor(office: DeadLetterOffice, principal: Principal) {
    this.#office = office
    this.#principal = principal
  }

  /** Rejects with `forbidden` when the filter names a type that may not be read, as {@link count} does. */
  list(page: Page): Promise<DeadLetter[]> {
    if (this.#allMayBeRead(page?.eventType)) return this.#office.list(page)
    return this.#some(
      page,
      (part) => this.#office.list(part),
      (letter) => this.#isReadable(letter)
    )
  }

  async count(filter: Filter): Promise<number> {
    if (this.#allMayBeRead(filter?.eventType)) return this.#office.count(filter)
    const readable = knownEventTypes().filter((eventType) => mayRead(this.#principal, eventType))
    const counts = await Promise.all(readable.map((eventType) => this.#office.count({ ...filter, eventType })))
    return counts.reduce((sum, count) => sum + count, 0)
  }

  /** The dead letters of a cause have the same event type: all may be read, or none. */
  async causes(filter: CausesFilter): Promise<DeadLetterCause[]> {
    const causes = await this.#office.causes(filter)
    return causes.filter(({ oldest }) => this.#isReadable(oldest))
  }

  actions(page: ActionsPage): Promise<DeadLetterAction[]> {
    if (mayReadAll(this.#principal)) return this.#office.actions(page)
    return this.#some(
      page,
      (part) => this.#office.actions(part),
      ({ letter }) => this.#isReadable(letter)
    )
  }

  /** Rejects with `not_found`. */
  async get(id: string): Promise<DeadLetter> {
    const letter = await this.#office.get(id)
    if (letter !== undefined && this.#isReadable(letter)) return letter
    throw new EventSystemError('not_found', `There is no dead letter with the id ${id}.`)
  }

  #allMayBeRead(eventType: string | undefined): boolean {
    if (eventType === undefined) return mayReadAll(this.#principal)
    mustHave(this.#principal, `read:${eventType}`)
    return true
  }

  #isReadable({ eventType }: DeadLetter): boolean {
    return eventType === null ? mayReadAll(this.#principal) : mayRead(this.#principal, eventType)
  }

  async #some<Item extends { readonly id: string }, Asked extends { after?: string; limit?: number }>(
    asked: Asked | undefined,
    read: (page: Asked) => Promise<Item[]>,
    isReadable: (item: Item) => boolean
  ): Promise<Item[]> {
    const { limit = 100 } = asked ?? {}
    const found: Item[] = []
    let page = { ...asked, limit: PAGE } as Asked
    for (;;) {
      const items = await read(page)
      found.push(...items.filter(isReadable))
      const last = items.at(-1)
      if (found.length >= limit || last === undefined || items.length < PAGE) return found.slice(0, limit)
      page = { ...page, after: last.id }
    }
  }
}

/** What is put back in bulk is what may be read: who may not read everything names the type. Throws `forbidden`. */
export function mustReadWhatMatches(principal: Principal, eventType: string | undefined): void {
  if (mayReadAll(principal)) return
  if (eventType !== undefined) {
    mustHave(principal, `read:${eventType}`)
    return
  }
  const sentence = `${principal.name} may not read every event type: say in event_type which letters are meant.`
  throw new EventSystemError('forbidden', sentence, { pointer: '/event_type' })
}
