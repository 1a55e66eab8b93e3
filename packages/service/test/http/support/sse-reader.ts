import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { waitFor } from '@tradpal/event-system/testing'
import { onTestFinished } from 'vitest'

export interface Frame {
  readonly id: string | undefined
  readonly event: string | undefined
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what the wire brings
  readonly data: any
}

/** Reads a stream of frames over a bare connection, so that a test decides when it reads. */
export class SseReader {
  readonly frames: Frame[] = []
  comments = 0
  ended = false
  readonly response: IncomingMessage
  #rest = ''

  constructor(response: IncomingMessage) {
    this.response = response
    response.setEncoding('utf8')
    response.on('data', (text: string) => this.#take(text))
    for (const over of ['end', 'close', 'error']) {
      response.on(over, () => {
        this.ended = true
      })
    }
  }

  static async open(url: string, headers: Record<string, string> = {}): Promise<SseReader> {
    const sent = request(url, { agent: false, headers }).end()
    sent.on('error', () => {})
    onTestFinished(() => {
      sent.destroy()
    })
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    return new SseReader(response)
  }

  get events(): Frame[] {
    return this.frames.filter(({ data }) => data.event_type !== undefined)
  }

  get ids(): (string | undefined)[] {
    return this.events.map(({ id }) => id)
  }

  async untilEvents(count: number): Promise<Frame[]> {
    await waitFor(() => this.events.length >= count, { what: `${count} events on the stream` })
    return this.events
  }

  close(): void {
    this.response.destroy()
  }

  #take(text: string): void {
    const blocks = (this.#rest + text).split('\n\n')
    this.#rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const field = (name: string) =>
        block
          .split('\n')
          .find((line) => line.startsWith(`${name}: `))
          ?.slice(name.length + 2)
      const data = field('data')
      if (block === ': heartbeat') this.comments++
      if (data !== undefined) this.frames.push({ id: field('id'), event: field('event'), data: JSON.parse(data) })
    }
  }
}
