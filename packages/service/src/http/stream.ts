import type { ServerResponse } from 'node:http'
import { FollowHeaders, FollowQuery } from '@tradpal/event-api'
import {
  type Checkpoint,
  type EventSystem,
  EventSystemError,
  type FollowedPage,
  isRetryable,
  type LogGap,
  tellGap
} from '@tradpal/event-system'
import Type from 'typebox'
import type { App, AppContext } from './context.ts'
import { beginAnswer } from './headers.ts'
import { drained, type LastingAnswer, refusalOf } from './lasting-answers.ts'
import { problemResponses, toProblem } from './problems.ts'
import { mayReadAsBefore, symbolsOf, typesReadBy } from './range.ts'
import { eventFrame, frame, gapFrame, unnamedEventFrame } from './wire-event.ts'

/** What stands before the first entry of any log. */
const START = '0-0'
/** Frames are gathered to so many characters before they are written. */
const CHUNK = 65_536
/** A reader that has too much to take has so long to take it before it is cut off. */
const GRACE_MS = 2_000

export const SSE_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no'
}

const DESCRIPTION = `Server-Sent Events, from now on or behind a message id, with no gap and no repeat. The first frame is
\`event: position\`: where in the log the stream begins. Then one frame an event: \`id\` is the position behind it, \`event\` its
event_type, \`data\` the event. Resume with the header Last-Event-ID, which wins over \`after\`. A comment (\`: heartbeat\`) comes while there
is nothing to say, and a position when events were passed over. A reader that does not take what is sent is cut off. While
the log is away the stream stays open. What no waiting mends is told by a frame \`event: error\`, which carries the problem
document and ends the stream. It ends without one, and a comment says why, when the credential of its reader has expired or
is revoked, or what the reader may read has changed: a reader that connects again gets the reason, or goes on. When entries behind the id
may have been trimmed, a frame \`event: gap\` follows the first: \`asked_id\`, and \`first_id\`, the first that is there. An id that
the log has not come to is refused with 400.`

export function streamRoute(app: App, context: AppContext): void {
  app.get(
    '/events/stream',
    {
      config: { access: { some: 'read' }, audit: 'nothing' },
      schema: {
        operationId: 'followEvents',
        tags: ['stream'],
        summary: 'Events as they are published',
        description: DESCRIPTION,
        querystring: FollowQuery,
        headers: FollowHeaders,
        response: {
          200: {
            description: 'Frames of Server-Sent Events, until the reader leaves.',
            content: { 'text/event-stream': { schema: Type.String() } }
          },
          ...problemResponses
        }
      }
    },
    async (request, reply) => {
      const { method, query, headers, url, principal } = request
      const filter = {
        ...typesReadBy(principal, query.event_type),
        ...symbolsOf(query)
      }
      const isNamed = query.events === undefined
      const from = await positionOf(context.system, headers['last-event-id'] || query.after)
      await refuseGap(context.system, from, query.on_gap)
      if (method === 'HEAD') return reply.headers(SSE_HEADERS).send('')
      const mayHave = mayReadAsBefore(principal, query.event_type)
      const answer = context.lasting.begin('streams', { request, reply, mayHave })
      const response = beginAnswer(reply, SSE_HEADERS)
      const position = from === START ? 'start' : { after: from }
      const stream = new LiveStream(response, context, answer, { url, isNamed })
      const onGap = (gap: LogGap) => stream.tellGap(gap)
      const pages = context.system.store.follow(position, { ...filter, onGap, raw: true }, answer.signal)
      await stream.send(from, pages)
    }
  )
}

/** Behind which entry a stream begins. Refuses with `invalid_message_id`. */
async function positionOf({ storage }: EventSystem, after: string | undefined): Promise<Checkpoint> {
  if (after === 'start' || after === START) return START
  if (after === undefined) return (await storage.log.read({ from: 'end', limit: 1 })).position
  try {
    storage.log.compare(after, after)
  } catch (cause) {
    const sentence = `A stream begins behind a position such as 1764057600000-0, or at start, got ${JSON.stringify(after)}.`
    throw new EventSystemError('invalid_message_id', sentence, { cause })
  }
  return after
}

/** Before the answer begins: an id ahead of the log, and a gap where it is an error. While the log is away nobody knows. */
async function refuseGap(
  { storage }: EventSystem,
  from: Checkpoint,
  onGap: 'report' | 'error' | undefined
): Promise<void> {
  try {
    await tellGap(storage, from, onGap === 'error' ? 'error' : undefined)
  } catch (error) {
    if (!isRetryable(error)) throw error
  }
}

/** What was asked, as far as it shapes frames and logs. */
interface StreamRequest {
  readonly url: string
  readonly isNamed: boolean
}

/** One reader of the log. */
class LiveStream {
  readonly #response: ServerResponse
  readonly #context: AppContext
  readonly #answer: LastingAnswer
  readonly #request: StreamRequest
  readonly #openedAt = Date.now()
  /** How far the log was read beyond the last frame that said so. */
  #passedOver: Checkpoint | undefined

  constructor(response: ServerResponse, context: AppContext, answer: LastingAnswer, request: StreamRequest) {
    this.#response = response
    this.#context = context
    this.#answer = answer
    this.#request = request
  }

  tellGap(gap: LogGap): void {
    this.#response.write(gapFrame(gap))
  }

  async send(from: Checkpoint, pages: AsyncIterable<FollowedPage>): Promise<void> {
    this.#response.write(positionFrame(from))
    const heartbeat = setInterval(() => this.#beat(), this.#context.configuration.heartbeatIntervalMs)
    try {
      for await (const page of pages) if (!(await this.#sendPage(page))) return
    } catch (error) {
      if (!this.#answer.signal.aborted) this.#sayWhy(error)
    } finally {
      clearInterval(heartbeat)
      const refusal = refusalOf(this.#answer.signal)
      if (refusal !== undefined) this.#response.write(`: ${refusal.message.replaceAll('\n', ' ')}\n\n`)
      this.#answer.end()
      this.#response.end()
    }
  }

  /** Resolves to whether to go on. */
  async #sendPage({ events, appendedAt, positions, position }: FollowedPage): Promise<boolean> {
    let chunk = ''
    for (const [i, event] of events.entries()) {
      const behind = positions[i] as Checkpoint
      chunk += this.#request.isNamed ? eventFrame(event, behind) : unnamedEventFrame(event, behind)
      this.#count(event.eventType, appendedAt[i] as number)
      if (chunk.length < CHUNK) continue
      if (!(await this.#write(chunk))) return false
      chunk = ''
    }
    if (chunk !== '' && !(await this.#write(chunk))) return false
    this.#passedOver = positions.at(-1) === position ? undefined : position
    return true
  }

  /** A reader may take its time, as long as what waits for it stays small. */
  async #write(chunk: string): Promise<boolean> {
    this.#passedOver = undefined
    this.#response.write(chunk)
    if (this.#response.writableLength <= this.#context.configuration.streamMaxBufferBytes) return true
    if (await drained(this.#response, this.#answer.signal, GRACE_MS)) return true
    if (!this.#answer.signal.aborted) this.#cutOff()
    return false
  }

  #cutOff(): void {
    const { metrics, logger } = this.#context
    metrics.streamsCutOff.inc()
    logger.info(
      { url: this.#request.url, unsentBytes: this.#response.writableLength },
      'a reader of the stream was too slow and is cut off'
    )
    this.#response.destroy()
  }

  /** Says where the stream stands when what it passed over would be read again by a reader that resumes. */
  #beat(): void {
    if (this.#response.writableNeedDrain) return
    const position = this.#passedOver === undefined ? '' : positionFrame(this.#passedOver)
    this.#passedOver = undefined
    this.#response.write(`${position}: heartbeat\n\n`)
  }

  #sayWhy(error: unknown): void {
    const problem = toProblem(error, this.#request.url)
    this.#context.onProblem(problem, error)
    this.#response.write(frame('error', problem))
  }

  #count(eventType: string, takenAt: number): void {
    const { metrics } = this.#context
    metrics.handedOut(eventType, takenAt < this.#openedAt ? undefined : Date.now() - takenAt)
  }
}

function positionFrame(messageId: Checkpoint): string {
  return frame('position', { message_id: messageId }, messageId)
}
