import { EventSystemError } from '@tradpal/events'
import type { DeadLetter, DeadLetterFilter, DeadLetters, NewDeadLetter } from '../port.ts'
import { mustBeLimit } from './arguments.ts'
import type { Connection } from './connection.ts'
import type { EntryReply } from './entries.ts'
import { timeOfMessageId } from './message-id.ts'
import { runScript } from './scripts.ts'

/** The idle time of an entry that any claim takes, in ms: ten years. */
export const CLAIMABLE_IDLE_MS = '315360000000'
/** The consumer that holds what nobody holds, released or requeued, until a member of the group claims it. */
export const NOBODY = '(requeued)'

const LETTER_ID = /^\d{1,19}-\d{1,19}$/
/** Letters are read so many at a time: each may hold a payload and a stack. */
const PAGE = 100

export type StoredLetter = NewDeadLetter & { readonly group: string }

export function deadLettersKey(stream: string): string {
  return `${stream}:dead_letters`
}

/** A stream beside the log's, whose entries are the letters, as JSON. */
export class RedisDeadLetters implements DeadLetters {
  readonly #connection: Connection
  readonly #stream: string
  readonly #key: string

  constructor(connection: Connection, stream: string) {
    this.#connection = connection
    this.#stream = stream
    this.#key = deadLettersKey(stream)
  }

  async list({ group, after, limit }: DeadLetterFilter): Promise<DeadLetter[]> {
    mustBeLimit(limit)
    const found: DeadLetter[] = []
    let from = after === undefined ? '-' : `(${mustBeLetterId(after)}`
    while (found.length < limit) {
      const count = group === undefined ? Math.min(PAGE, limit - found.length) : PAGE
      const page = await this.#connection.read<EntryReply[]>(['XRANGE', this.#key, from, '+', 'COUNT', String(count)])
      found.push(...page.map(toLetter).filter((letter) => group === undefined || letter.group === group))
      const last = page.at(-1)
      if (last === undefined || page.length < count) break
      from = `(${last[0]}`
    }
    return found.slice(0, limit)
  }

  async get(id: string): Promise<DeadLetter | undefined> {
    if (!LETTER_ID.test(id)) return undefined
    const [entry] = await this.#connection.read<EntryReply[]>(['XRANGE', this.#key, id, id])
    return entry === undefined ? undefined : toLetter(entry)
  }

  async requeue(id: string): Promise<void> {
    const letter = await this.get(id)
    const outcome =
      letter === undefined
        ? 'not_found'
        : await runScript<string>(
            this.#connection,
            'requeue',
            [this.#stream, this.#key],
            [id, letter.group, letter.messageId, NOBODY, CLAIMABLE_IDLE_MS]
          )
    if (outcome === 'not_found') throw new EventSystemError('not_found', `There is no dead letter with the id ${id}.`)
    if (outcome === 'entry_trimmed') {
      throw new EventSystemError(
        'entry_trimmed',
        `The entry ${letter?.messageId} of the dead letter ${id} is no longer in the log; the letter stays.`
      )
    }
  }

  async discard(id: string): Promise<boolean> {
    if (!LETTER_ID.test(id)) return false
    return (await this.#connection.write<number>(['XDEL', this.#key, id])) === 1
  }
}

/** A letter as it is kept, from which {@link toLetter} makes it again. */
export function letterJson(letter: StoredLetter): string {
  return JSON.stringify(letter)
}

function toLetter([id, fields]: EntryReply): DeadLetter {
  return { ...(JSON.parse(fields[1] as string) as StoredLetter), id, deadAt: timeOfMessageId(id) }
}

function mustBeLetterId(id: string): string {
  if (LETTER_ID.test(id)) return id
  throw new EventSystemError(
    'invalid_argument',
    `${JSON.stringify(id)} is no id of a dead letter; one looks like 1764057600000-0.`
  )
}
