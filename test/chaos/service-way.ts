import { type Event, encodeEvent, type PublishOptions } from '@tradpal/event-system'
import type { Answer } from './diary.ts'
import { refusal, type Way } from './way.ts'

/** A request without an answer is given up after so long, in ms. */
const PATIENCE_MS = 10_000

/** Publishes over HTTP. Nothing keeps two requests in order that are under way at once. */
export class ServiceWay implements Way {
  readonly keepsOrder = false
  readonly #url: string

  constructor(url: string) {
    this.#url = url
  }

  async publish(events: readonly Event[], { spool }: PublishOptions): Promise<readonly Answer[]> {
    const texts = events.map(encodeEvent)
    const [path, body] = texts.length === 1 ? ['/events', texts[0]] : ['/events/batch', `[${texts.join(',')}]`]
    try {
      const response = await fetch(`${this.#url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(spool === 'never' ? {} : { prefer: 'respond-async' }) },
        body: body as string,
        signal: AbortSignal.timeout(PATIENCE_MS)
      })
      const answer = (await response.json()) as { code: string; message_id?: string; message_ids?: string[] }
      if (response.status === 202) return events.map(() => ({ what: 'spooled' }))
      if (!response.ok) return events.map(() => refusal(answer.code))
      const ids = answer.message_ids ?? [answer.message_id as string]
      return ids.map((messageId) => ({ what: 'published', messageId }))
    } catch (error) {
      const isUnsent = (error as { cause?: { code?: string } }).cause?.code === 'ECONNREFUSED'
      return events.map(() => refusal(isUnsent ? 'no_service' : 'no_answer'))
    }
  }

  /** The spool is the service's. */
  async close(): Promise<void> {}
}
