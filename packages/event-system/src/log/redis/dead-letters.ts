import { isDeepStrictEqual } from 'node:util'
import { EventSystemError } from '@tradpal/events'
import type {
  DeadLetter,
  DeadLetterAction,
  DeadLetterFilter,
  DeadLetters,
  MessageId,
  NewDeadLetter,
  Operator
} from '../port.ts'
import { mustBeLimit, mustBeSaid } from './arguments.ts'
import type { Connection } from './connection.ts'
import { NOBODY } from './holders.ts'
import { groupKeys, type LogKeys, textKeys } from './keys.ts'
import { compareMessageIds, timeOfMessageId } from './message-id.ts'
import { RewritableStream, type StreamText } from './rewritable-stream.ts'
import { runScript } from './scripts.ts'

const LETTER_ID = /^\d{1,19}-\d{1,19}$/
/** Letters are read so many at a time: each may hold a payload and a stack. */
const PAGE = 100
/** So often something is done to a letter anew when others rewrite it first. */
const MOST_ATTEMPTS = 100

type StoredLetter = NewDeadLetter & Pick<DeadLetter, 'group' | 'messageId'>

/** A stream beside the log's, whose entries are the letters, as JSON; and one of what operators did to them. */
export class RedisDeadLetters implements DeadLetters {
  readonly #connection: Connection
  readonly #keys: LogKeys
  readonly #letters: RewritableStream
  readonly #actions: RewritableStream

  constructor(connection: Connection, keys: LogKeys) {
    this.#connection = connection
    this.#keys = keys
    const { deadLetters, rewrittenLetters, actions, rewrittenActions } = keys
    this.#letters = new RewritableStream(connection, { stream: deadLetters, rewritten: rewrittenLetters })
    this.#actions = new RewritableStream(connection, { stream: actions, rewritten: rewrittenActions })
  }

  async list({
    after,
    limit,
    ...filter
  }: DeadLetterFilter & { readonly after?: string; readonly limit: number }): Promise<DeadLetter[]> {
    mustBeLimit(limit)
    const found: DeadLetter[] = []
    const pageSize = isNarrow(filter) ? PAGE : Math.min(PAGE, limit)
    for await (const page of this.#pages(filter, after, pageSize)) {
      found.push(...page.filter((letter) => matches(letter, filter)))
      if (found.length >= limit) break
    }
    return found.slice(0, limit)
  }

  async count(filter: DeadLetterFilter): Promise<number> {
    const conditions = Object.values(filter).filter((condition) => condition !== undefined)
    if (conditions.length === 0) return this.#connection.read<number>(['XLEN', this.#keys.deadLetters])
    let count = 0
    for await (const page of this.#pages(filter, undefined, PAGE)) {
      count += page.filter((letter) => matches(letter, filter)).length
    }
    return count
  }

  /** All letters of the filter's times behind one, page by page. A letter's id says when it was put there. */
  async *#pages(
    { since, until }: DeadLetterFilter,
    after: string | undefined,
    count: number
  ): AsyncGenerator<DeadLetter[]> {
    const behind = after === undefined ? undefined : mustBeLetterId(after)
    const first = since === undefined ? undefined : `${Math.max(0, Math.ceil(since))}-0`
    const end = until === undefined ? '+' : String(Math.floor(until))
    if (until !== undefined && until < 0) return
    let from = first ?? '-'
    if (behind !== undefined && (first === undefined || compareMessageIds(behind, first) >= 0)) from = `(${behind}`
    for (;;) {
      const page = await this.#letters.range(from, end, count)
      if (page.length > 0) yield page.map(toLetter)
      if (page.length < count) return
      from = `(${page.at(-1)?.id}`
    }
  }

  async get(id: string): Promise<DeadLetter | undefined> {
    return (await this.#find(id))?.letter
  }

  async requeue(id: string, { by, payload }: Operator & { readonly payload?: string }): Promise<void> {
    mustBeSaid('The name of who requeues a dead letter', by)
    const { stream, rewritten } = this.#letters
    const outcome = await this.#take(id, ({ letter, text }) => {
      const { group, messageId, note } = letter
      const record = recordOf({ action: 'requeue', by, amended: payload !== undefined, letter })
      const ofGroup = groupKeys(this.#keys, group)
      const { sharding, routed } = ofGroup
      return runScript<string>(
        this.#connection,
        'requeue',
        [this.#keys.stream, stream, rewritten, this.#keys.actions, ...textKeys(ofGroup), sharding, routed],
        [id, text, group, messageId, NOBODY, record, ...optional(note), ...optional(payload)]
      )
    })
    if (outcome.kind === 'no_group') throw noGroup(id, outcome.letter.group)
    if (outcome.kind === 'entry_trimmed') throw trimmed(id, outcome.letter.messageId)
  }

  async discard(id: string, { by, reason }: Operator & { readonly reason: string }): Promise<void> {
    mustBeSaid('The name of who discards a dead letter', by)
    const { stream, rewritten } = this.#letters
    await this.#take(id, ({ letter, text }) => {
      const record = recordOf({ action: 'discard', by, reason, amended: false, letter })
      return runScript<string>(this.#connection, 'discard', [stream, rewritten, this.#keys.actions], [id, text, record])
    })
  }

  /** Does something to a letter as it is, and anew when it was rewritten meanwhile. Rejects with `not_found`. */
  async #take(id: string, take: (found: FoundLetter) => Promise<string>) {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const found = await this.#find(id)
      const kind = found === undefined ? 'not_found' : await take(found)
      if (found === undefined || kind === 'not_found') throw noLetter(id)
      if (kind !== 'rewritten') return { kind, letter: found.letter }
    }
    throw new EventSystemError('log_busy', `Others rewrite the dead letter ${id} without a pause.`)
  }

  async #find(id: string): Promise<FoundLetter | undefined> {
    const text = LETTER_ID.test(id) ? await this.#letters.get(id) : undefined
    return text === undefined ? undefined : { letter: toLetter({ id, text }), text }
  }

  async actions({ after, limit }: { readonly after?: string; readonly limit: number }): Promise<DeadLetterAction[]> {
    mustBeLimit(limit)
    const from = after === undefined ? '-' : `(${mustBeLetterId(after)}`
    return (await this.#actions.range(from, '+', limit)).map(toAction)
  }

  async rewrite(ids: readonly string[], change: (letter: DeadLetter) => DeadLetter): Promise<number> {
    return this.#letters.rewrite(ids.map(mustBeLetterId), (stored) => {
      const before = toLetter(stored)
      const after = withTextsOf(before, change(before))
      const { id: _id, deadAt: _at, ...content } = after
      return isDeepStrictEqual(before, after) ? stored.text : JSON.stringify(content)
    })
  }

  async rewriteActions(
    ids: readonly string[],
    change: (action: DeadLetterAction) => DeadLetterAction
  ): Promise<number> {
    return this.#actions.rewrite(ids.map(mustBeLetterId), (stored) => {
      const before = toAction(stored)
      const after = withReasonOf(before, change(before))
      const { id: _id, at: _at, ...content } = after
      return isDeepStrictEqual(before, after) ? stored.text : JSON.stringify(content)
    })
  }
}

/** A letter, and the text of it. */
interface FoundLetter {
  readonly letter: DeadLetter
  readonly text: string
}

/** The letter with the texts of another. */
function withTextsOf(letter: DeadLetter, { payload, firstError, lastError, note }: DeadLetter): DeadLetter {
  return { ...letter, payload, firstError, lastError, ...(note !== undefined && { note }) }
}

/** The record with the texts of another. */
function withReasonOf(action: DeadLetterAction, { reason, letter }: DeadLetterAction): DeadLetterAction {
  return { ...action, ...(reason !== undefined && { reason }), letter: withTextsOf(action.letter, letter) }
}

/** Whether letters must be looked at to know which of them match. */
function isNarrow({ group, eventType, handler, kind }: DeadLetterFilter): boolean {
  return [group, eventType, handler, kind].some((condition) => condition !== undefined)
}

function matches(letter: DeadLetter, { group, eventType, handler, kind }: DeadLetterFilter): boolean {
  return (
    (group === undefined || letter.group === group) &&
    (eventType === undefined || letter.eventType === eventType) &&
    (handler === undefined || letter.handler === handler) &&
    (kind === undefined || letter.kind === kind)
  )
}

export function toStoredLetter(letter: NewDeadLetter, group: string, messageId: MessageId): StoredLetter {
  return { ...letter, group, messageId }
}

/** A letter under the id that it got when it was put there. */
export function letterWithId(letter: StoredLetter, id: string): DeadLetter {
  return { ...letter, id, deadAt: timeOfMessageId(id) }
}

function toLetter({ id, text }: StreamText): DeadLetter {
  return letterWithId(JSON.parse(text) as StoredLetter, id)
}

function recordOf(action: Omit<DeadLetterAction, 'id' | 'at'>): string {
  return JSON.stringify(action)
}

function toAction({ id, text }: StreamText): DeadLetterAction {
  return { id, at: timeOfMessageId(id), ...(JSON.parse(text) as Omit<DeadLetterAction, 'id' | 'at'>) }
}

/** A text that may be none, as scripts take it. */
function optional(text: string | undefined): [string, string] {
  return text === undefined ? ['0', ''] : ['1', text]
}

function noLetter(id: string): EventSystemError {
  return new EventSystemError('not_found', `There is no dead letter with the id ${id}.`)
}

function noGroup(id: string, group: string): EventSystemError {
  return new EventSystemError('not_found', `The group ${JSON.stringify(group)} of the dead letter ${id} is gone.`)
}

function trimmed(id: string, messageId: MessageId): EventSystemError {
  const message = `The entry ${messageId} of the dead letter ${id} is no longer in the log; the letter stays.`
  return new EventSystemError('entry_trimmed', message)
}

function mustBeLetterId(id: string): string {
  if (LETTER_ID.test(id)) return id
  throw new EventSystemError(
    'invalid_argument',
    `${JSON.stringify(id)} is no id of a dead letter or a record; one looks like 1764057600000-0.`
  )
}
