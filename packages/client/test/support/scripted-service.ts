import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { createEvent, type StoredEvent, toWire, type ValidEvent } from '@tradpal/events'

export interface ReceivedRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export type Answer = (response: ServerResponse, request: ReceivedRequest) => void

/** A real HTTP server on a free loopback port whose answers are given in advance, one a request. */
export class ScriptedService implements AsyncDisposable {
  readonly requests: ReceivedRequest[] = []
  readonly #answers: Answer[]
  readonly #server = createServer(async (message, response) => {
    const url = new URL(message.url ?? '/', 'http://service')
    const body = await text(message)
    const { method = '', headers } = message
    const request = { method, headers, body, path: url.pathname, query: url.searchParams }
    this.requests.push(request)
    const answer = this.#answers.length > 1 ? this.#answers.shift() : this.#answers[0]
    answer?.(response, request)
  })

  /** The last answer is given to every further request. */
  private constructor(answers: Answer[]) {
    this.#answers = answers
  }

  static async start(...answers: Answer[]): Promise<ScriptedService> {
    const service = new ScriptedService(answers)
    service.#server.listen(0, '127.0.0.1')
    await once(service.#server, 'listening')
    return service
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Answer {
  return (response) => {
    const type = status < 400 ? 'application/json' : 'application/problem+json'
    response.writeHead(status, { 'content-type': type, ...headers }).end(JSON.stringify(body))
  }
}

export function raw(body: string, status = 200, headers: Record<string, string> = {}): Answer {
  return (response) => void response.writeHead(status, headers).end(body)
}

/** Accepts the request and never answers. */
export const hang: Answer = () => {}

/** Breaks the connection without an answer. */
export const cut: Answer = (response) => void response.destroy()

/** Announces more than it sends, then breaks the connection. */
export const cutInBody: Answer = (response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
  response.write('{"message_id":', () => response.destroy())
}

/** Opens an event stream, sends the text and keeps it open. */
export function sse(body: string | Uint8Array): Answer {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(body)
  }
}

/** Opens an event stream, sends the text and breaks the connection. */
export function sseCut(body: string | Uint8Array): Answer {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(body, () => response.destroy())
  }
}

export function positionFrame(messageId: string): string {
  return `event: position\ndata: {"message_id":"${messageId}"}\nid: ${messageId}\n\n`
}

export function eventFrame(event: StoredEvent): string {
  return `event: ${event.eventType}\nid: ${event.messageId}\ndata: ${JSON.stringify(storedWire(event))}\n\n`
}

export function storedWire(event: StoredEvent): object {
  return { ...toWire(event), message_id: event.messageId }
}

/** A stored event, as the client answers it. */
export function stored(messageId: string, symbol = 'BTC/USDT'): ValidEvent {
  const signal = { symbol, signal: 'BUY', confidence: 0.85 } as const
  return { ...createEvent('trading_signal', signal, { source: 'ml_service' }), messageId, valid: true }
}
