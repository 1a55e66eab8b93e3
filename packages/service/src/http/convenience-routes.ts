import {
  type Event,
  EventSystemError,
  EventType,
  fromWire,
  type JsonObject,
  type Validation
} from '@tradpal/event-system'
import Type from 'typebox'
import { publishedBy } from '../access/index.ts'
import { isObject, objectOf } from './body-text.ts'
import type { App, AppContext } from './context.ts'
import { problemResponses } from './problems.ts'
import { preferHeader, publishOptions, publishResponses, receiptOf } from './receipts.ts'

interface Shortcut {
  readonly path: string
  readonly summary: string
  /** Where the body has what the event carries. */
  readonly field: string
  readonly eventType: string
  /** What else the body has to hold. */
  readonly symbol?: true
}

const SHORTCUTS: readonly Shortcut[] = [
  {
    path: '/events/market-data',
    summary: 'Publish prices of a symbol',
    field: 'market_data',
    eventType: EventType.MARKET_DATA_UPDATE,
    symbol: true
  },
  {
    path: '/events/trading-signal',
    summary: 'Publish a trading signal',
    field: 'signal',
    eventType: EventType.TRADING_SIGNAL
  },
  {
    path: '/events/portfolio-update',
    summary: 'Publish the state of a portfolio',
    field: 'updates',
    eventType: EventType.PORTFOLIO_UPDATE
  }
]

/** A publish of a type that the path names. The event is made as any other: these have no rules of their own. */
export function convenienceRoutes(app: App, { system, limits }: AppContext): void {
  for (const shortcut of SHORTCUTS) {
    app.post(
      shortcut.path,
      {
        config: { access: { some: 'publish' }, audit: 'events.published', body: bodySchema(shortcut) },
        schema: {
          tags: ['publish'],
          summary: shortcut.summary,
          headers: preferHeader,
          response: { ...publishResponses, ...problemResponses }
        }
      },
      async (request, reply) => {
        const { body, principal } = request
        const content = objectOf(body, `{"${shortcut.field}": {…}}`)
        const event = publishedBy(principal, eventOf(shortcut, content, system.publisher.validation))
        await limits.publish(request, reply, 1)
        request.offered = [event]
        return receiptOf(await system.publisher.publish(event, publishOptions(request)), reply)
      }
    )
  }
}

function bodySchema({ field, symbol }: Shortcut) {
  const carried = { [field]: Type.Object({}, { additionalProperties: true }), source: Type.Optional(Type.String()) }
  return Type.Object(symbol === undefined ? carried : { symbol: Type.String(), ...carried })
}

function eventOf({ field, eventType, symbol }: Shortcut, body: JsonObject, validation: Validation): Event {
  const carried = body[field]
  const source = body.source ?? ''
  if (!isObject(carried)) throw wrong(field, `must be an object`)
  if (typeof source !== 'string') throw wrong('source', 'must be a text')
  if (symbol !== undefined && (typeof body.symbol !== 'string' || body.symbol === '')) {
    throw wrong('symbol', 'must be a text that is not empty')
  }
  const data = symbol === undefined ? carried : { symbol: body.symbol, ...carried }
  try {
    return fromWire({ event_type: eventType, source, data }, { complete: true, validation })
  } catch (error) {
    throw inWordsOfTheBody(error, field)
  }
}

/** What is wrong with the event's data is wrong with the field that it came from. */
function inWordsOfTheBody(error: unknown, field: string): unknown {
  if (!(error instanceof EventSystemError) || !error.pointer?.startsWith('/data')) return error
  const pointer = error.pointer.replace('/data', `/${field}`)
  return new EventSystemError(error.code, error.message.replace(/^data\b/, field), { pointer, cause: error })
}

function wrong(field: string, rule: string): EventSystemError {
  return new EventSystemError('invalid_event', `${field} ${rule}.`, { pointer: `/${field}` })
}
