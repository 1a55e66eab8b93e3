import { type DeadLetter, deadLetterOf, deadLettersOf } from './answers.ts'
import { idSegment, queryOf } from './query.ts'
import type { Transport } from './transport.ts'

export interface DeadLetterQuery {
  /** Only those of this consumer group. Default: of all. */
  readonly group?: string
  /** Letters behind the letter of this id. */
  readonly after?: string
  /** At most so many. Default: the service's. */
  readonly limit?: number
}

/** The entries that consumer groups gave up on, oldest first. */
export class DeadLetters {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  async list(query: DeadLetterQuery = {}): Promise<DeadLetter[]> {
    const { group, after, limit } = query
    const request = {
      method: 'GET',
      path: '/dead-letters',
      query: queryOf({ group, after, limit }),
      repeat: 'always'
    } as const
    return await this.#transport.json(request, deadLettersOf)
  }

  /** Rejects with `not_found` when there is no such letter. */
  async get(id: string): Promise<DeadLetter> {
    return await this.#transport.json({ method: 'GET', path: letterPath(id), repeat: 'always' }, deadLetterOf)
  }

  /**
   * Puts the entry back to the group that failed and removes the letter. Rejects with `not_found` when there is no such
   * letter and with `entry_trimmed` when its entry has left the log. It is attempted once: after a lost answer a second
   * attempt would say `not_found` of a letter that was put back.
   */
  async requeue(id: string): Promise<void> {
    await this.#transport.text({ method: 'POST', path: `${letterPath(id)}/requeue`, repeat: 'never' })
  }
}

function letterPath(id: string): string {
  return `/dead-letters/${idSegment('id', id)}`
}
