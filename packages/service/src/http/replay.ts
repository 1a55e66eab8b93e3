import { type EventRange, ReplayQuery, ReplayReport, ReplayRequest, StoredEvent as WireEvent } from '@tradpal/event-api'
import {
  checkAll,
  EventSystemError,
  type JsonValue,
  type LogGap,
  parseJson,
  type StoredEvent
} from '@tradpal/event-system'
import type { FastifyReply } from 'fastify'
import Type from 'typebox'
import type { AuditRule } from './auditing.ts'
import { isObject } from './body-text.ts'
import type { App, AppContext } from './context.ts'
import { beginAnswer } from './headers.ts'
import { drained, type LastingAnswer } from './lasting-answers.ts'
import { problemResponses, toProblem } from './problems.ts'
import { gapReport, hintReport, mayReadAsBefore, readableRange } from './range.ts'
import { advice } from './request-faults.ts'
import { SSE_HEADERS } from './stream.ts'
import { eventFrame, frame, gapFrame, ndjsonLine } from './wire-event.ts'

/** The fields of the body that may be lists, and what they list. */
const LISTS = new Map([
  ['event_type', 'an event type'],
  ['symbol', 'a symbol'],
  ['symbols', 'a symbol']
])

/** How a replay that is streamed looks. */
interface Format {
  readonly type: string
  readonly headers: Readonly<Record<string, string>>
  readonly event: (event: StoredEvent) => string
  /** That entries may be missing, where the format has a place for it. */
  readonly gap?: (gap: LogGap) => string
  /** What went wrong after the head was sent. */
  readonly problem: (problem: object) => string
}

const FORMATS: readonly Format[] = [
  {
    type: 'application/x-ndjson',
    headers: { 'content-type': 'application/x-ndjson' },
    event: ndjsonLine,
    problem: (problem) => `${JSON.stringify(problem)}\n`
  },
  {
    type: 'text/event-stream',
    headers: SSE_HEADERS,
    event: (event) => eventFrame(event, event.messageId),
    gap: gapFrame,
    problem: (problem) => frame('error', problem)
  }
]
/** Lines are gathered to so many characters before they are written, when nothing paces them. */
const CHUNK = 65_536

const replayed: AuditRule = {
  action: 'events.replayed',
  what: ({ query, body }) => ({ ...query, ...bodyParameters(body) }),
  result: ({ events_replayed }) => ({ events_replayed })
}

/** Runs over a range and appends nothing: it counts, or streams the events to the caller. */
export function replayRoute(app: App, context: AppContext): void {
  app.post(
    '/events/replay',
    {
      config: { access: { scope: 'replay' }, audit: replayed, body: ReplayRequest },
      schema: {
        operationId: 'replayEvents',
        tags: ['query'],
        summary: 'Replay a range of the log',
        description:
          'Counts the events of the range. With Accept: application/x-ndjson or text/event-stream it streams them in log order, or with time=event in the order in which they happened, at the speed asked for; a failure in the middle is a problem document in the place of an event. The range comes as query parameters or as a JSON body.',
        querystring: ReplayQuery,
        response: {
          200: {
            description: 'How many events the range has, or the events themselves.',
            content: {
              'application/json': { schema: ReplayReport },
              'application/x-ndjson': { schema: WireEvent },
              'text/event-stream': { schema: Type.String() }
            }
          },
          ...problemResponses
        }
      }
    },
    async (request, reply) => {
      const { speed, ...wanted } = contradictionFree(request.query, bodyParameters(request.body))
      const [range, pace] = [readableRange(request.principal, wanted), paceOf(speed)]
      const mayHave = mayReadAsBefore(request.principal, wanted.event_type)
      const format = FORMATS.find(({ type }) => request.headers.accept?.includes(type))
      const answer = context.lasting.begin('replays', { request, reply, mayHave })
      const { signal } = answer
      try {
        const { asked, found, report } = gapReport(wanted)
        const { store } = context.system
        if (format === undefined) {
          const replayed = await store.countEvents({ ...range, ...asked }, { signal })
          const hint = hintReport(replayed === 0 && (await store.haveHappened(range)))
          return { status: 'replay_complete' as const, events_replayed: replayed, ...report(), ...hint }
        }
        const events = store.replay({ ...range, ...asked, raw: true }, { speed: pace, signal })
        const receiver = { reply, url: request.url, answer, context, gap: found }
        await sendEvents(events, format, pace === 'max' ? CHUNK : 0, receiver)
        return reply
      } finally {
        answer.end()
      }
    }
  )
}

interface Parameters extends EventRange {
  readonly speed?: string
}

/** A body of null, of nothing or with nulls asks for nothing: the prototype's clients send all the fields. */
function bodyParameters(text: unknown): Parameters {
  if (typeof text !== 'string' || text.trim() === '') return {}
  const value = parseJson(text) ?? {}
  if (!isObject(value)) throw wrong('The body must be a JSON object.', '')
  const given = Object.entries(value).filter(([, value]) => value !== null)
  checkAll(
    given.map(
      ([name, value]) =>
        () =>
          parameter(name, value)
    )
  )
  return Object.fromEntries(given.map(([name, value]) => [name, parameter(name, value)]))
}

function parameter(name: string, value: JsonValue | undefined): string | readonly string[] {
  if (!Object.hasOwn(ReplayRequest.properties, name)) {
    const known = advice(name, Object.keys(ReplayRequest.properties))
    const sentence = `The body has a field ${JSON.stringify(name)} that POST /events/replay does not take; ${known}.`
    throw wrong(sentence, `/${name}`)
  }
  const kind = LISTS.get(name)
  if (kind !== undefined) {
    const names = Array.isArray(value) ? value : [value]
    if (names.length > 0 && names.every((one) => typeof one === 'string' && one !== '')) return names
    throw wrong(`${name} in the body must be ${kind}, or a list of them.`, `/${name}`)
  }
  if (name === 'on_gap' && value !== 'report' && value !== 'error') {
    throw wrong('on_gap in the body must be report or error.', '/on_gap')
  }
  if (name === 'time' && value !== 'log' && value !== 'event') {
    throw wrong('time in the body must be log or event.', '/time')
  }
  if (typeof value === 'string' || (name === 'speed' && typeof value === 'number')) return String(value)
  throw wrong(`${name} in the body must be a text.`, `/${name}`)
}

/** Both doors at once are taken when they do not contradict each other. */
function contradictionFree(fromQuery: Parameters, fromBody: Parameters): Parameters {
  for (const [name, value] of Object.entries(fromBody)) {
    const other = fromQuery[name as keyof Parameters]
    if (other !== undefined && String(other) !== String(value)) {
      throw wrong(`${name} is given twice, differently: ${other} in the query and ${value} in the body.`, `/${name}`)
    }
  }
  return { ...fromQuery, ...fromBody }
}

function paceOf(text = 'max'): number | 'max' {
  const value = Number(text)
  if (text === 'max') return text
  if (text !== '' && Number.isFinite(value) && value > 0) return value
  throw wrong(`speed must be a number above 0, or max, got ${JSON.stringify(text)}.`, '/speed')
}

interface Receiver {
  readonly reply: FastifyReply
  readonly url: string
  readonly answer: LastingAnswer
  readonly context: AppContext
  /** The gap that reading the first event found. */
  readonly gap: () => LogGap | undefined
}

/** The first event is read before the head is sent: a range that cannot be read is a problem document. */
async function sendEvents(
  events: AsyncGenerator<StoredEvent>,
  format: Format,
  chunkSize: number,
  receiver: Receiver
): Promise<void> {
  const { reply, url, answer, context, gap: gapOf } = receiver
  const first = await events.next()
  const response = beginAnswer(reply, format.headers)
  const gap = gapOf()
  let chunk = gap === undefined ? '' : (format.gap?.(gap) ?? '')
  if (!first.done) chunk += format.event(first.value)
  try {
    if (chunk.length > chunkSize) {
      response.write(chunk)
      chunk = ''
    }
    for await (const event of events) {
      chunk += format.event(event)
      if (chunk.length < chunkSize) continue
      if (!response.write(chunk)) await drained(response, answer.signal)
      chunk = ''
    }
  } catch (error) {
    const problem = toProblem(error, url)
    context.onProblem(problem, error)
    chunk += format.problem(problem)
  }
  response.end(chunk)
}

function wrong(sentence: string, pointer: string): EventSystemError {
  return new EventSystemError('invalid_argument', sentence, { pointer })
}
