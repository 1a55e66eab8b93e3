import { MarketDataRequest, PortfolioUpdateRequest, PublishHeaders, TradingSignalRequest } from '@tradpal/event-api'
import {
  checkAll,
  type Event,
  EventSystemError,
  EventType,
  faultsOf,
  fromWire,
  type JsonObject,
  misspeltAs,
  refusalOf,
  type Validation
} from '@tradpal/event-system'
import { publishedBy } from '@tradpal/event-system/access'
import type { TSchema } from 'typebox'
import { isObject, objectOf } from './body-text.ts'
import type { App, AppContext } from './context.ts'
import { problemResponses } from './problems.ts'
import { publishOptions, publishResponses, receiptOf } from './receipts.ts'

interface Shortcut {
  readonly path: string
  readonly operationId: string
  readonly summary: string
  readonly body: TSchema
  /** The field of the body that has the data of the event. */
  readonly field: string
  readonly eventType: string
  /** What else the body has to hold. */
  readonly symbol?: true
}

const SHORTCUTS: readonly Shortcut[] = [
  {
    path: '/events/market-data',
    operationId: 'publishMarketData',
    summary: 'Publish prices of a symbol',
    body: MarketDataRequest,
    field: 'market_data',
    eventType: EventType.MARKET_DATA_UPDATE,
    symbol: true
  },
  {
    path: '/events/trading-signal',
    operationId: 'publishTradingSignal',
    summary: 'Publish a trading signal',
    body: TradingSignalRequest,
    field: 'signal',
    eventType: EventType.TRADING_SIGNAL
  },
  {
    path: '/events/portfolio-update',
    operationId: 'publishPortfolioUpdate',
    summary: 'Publish the state of a portfolio',
    body: PortfolioUpdateRequest,
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
        config: { access: { some: 'publish' }, audit: 'events.published', body: shortcut.body },
        schema: {
          operationId: shortcut.operationId,
          tags: ['publish'],
          summary: shortcut.summary,
          headers: PublishHeaders,
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

function eventOf(shortcut: Shortcut, body: JsonObject, validation: Validation): Event {
  checkAll([() => carriedOf(shortcut, body), () => sourceOf(body), () => symbolOf(shortcut, body)])
  const wire = { event_type: shortcut.eventType, source: sourceOf(body), data: dataOf(shortcut, body) }
  try {
    return fromWire(wire, { complete: true, validation })
  } catch (error) {
    throw inWordsOfTheBody(error, shortcut.field)
  }
}

function dataOf(shortcut: Shortcut, body: JsonObject): JsonObject {
  const carried = carriedOf(shortcut, body)
  return shortcut.symbol === undefined ? carried : { symbol: symbolOf(shortcut, body), ...carried }
}

function carriedOf({ field }: Shortcut, body: JsonObject): JsonObject {
  const carried = body[field]
  if (isObject(carried)) return carried
  throw wrong(field, `must be an object${carried === undefined ? misspeltAs(field, body) : ''}`)
}

function sourceOf({ source }: JsonObject): string {
  const given = source ?? ''
  if (typeof given === 'string') return given
  throw wrong('source', 'must be a text')
}

function symbolOf(shortcut: Shortcut, { symbol }: JsonObject): string | undefined {
  if (shortcut.symbol === undefined) return undefined
  if (typeof symbol === 'string' && symbol !== '') return symbol
  throw wrong('symbol', 'must be a text that is not empty')
}

/** What is wrong with the event's data is wrong with the field that it came from. */
function inWordsOfTheBody(error: unknown, field: string): unknown {
  if (!(error instanceof EventSystemError) || !error.pointer?.startsWith('/data')) return error
  const faults = faultsOf(error).map(({ pointer, detail }) => ({
    pointer: pointer.replace('/data', `/${field}`),
    detail: detail.replace(/^data\b/, field)
  }))
  return refusalOf(error.code, faults)
}

function wrong(field: string, rule: string): EventSystemError {
  return new EventSystemError('invalid_event', `${field} ${rule}.`, { pointer: `/${field}` })
}
