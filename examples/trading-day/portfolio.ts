/**
 * Prices, signals and orders in; a portfolio update for each price and each order out, and a risk alert on a drawdown.
 *
 * The broker answers later than the market moves on, by how much is chance. So the account goes price by price, in the
 * market's order, and waits at each price until its signal is there, and the order that the signal asks for.
 */
import { createEvent, type Event, EventSystem, EventType, type StoredEvent } from '@tradpal/event-system'
import { Account } from './account.ts'
import { DRAWDOWN_LIMIT } from './parameters.ts'
import { consumeAs, inOrder, untilStopped } from './service.ts'
import './fields.ts'

const INPUTS = [EventType.MARKET_DATA_UPDATE, EventType.TRADING_SIGNAL, EventType.ORDER_EXECUTED] as const
const OUTPUTS = [EventType.PORTFOLIO_UPDATE, EventType.RISK_ALERT] as const

const system = new EventSystem()
await system.initialize()

const account = new Account()
const seen = new Set<string>()
const published = new Set<string>()
const prices: Event<'market_data_update'>[] = []
/** Signals and orders, by the event that caused them. */
const answers = new Map<string, Event>()

function remember(event: StoredEvent) {
  if (seen.has(event.eventId)) return
  seen.add(event.eventId)
  if (event.eventType === EventType.MARKET_DATA_UPDATE) prices.push(event as Event<'market_data_update'>)
  else answers.set(String(event.metadata.causation_id), event)
}

/** Takes the account as far as the answers allow. */
async function settle() {
  for (let price = prices[0]; price !== undefined; price = prices[0]) {
    const signal = answers.get(price.eventId)
    if (signal === undefined) return
    const order = answers.get(signal.eventId) as Event<'order_executed'> | undefined
    if (signal.data.signal !== 'HOLD' && order === undefined) return
    await book(price, order)
    prices.shift()
    answers.delete(price.eventId)
    answers.delete(signal.eventId)
  }
}

async function book(price: Event<'market_data_update'>, order: Event<'order_executed'> | undefined) {
  account.mark(price.data.symbol, Number(price.data.price))
  await report(price)
  if (order !== undefined) {
    account.apply({ ...order.data, commission: Number(order.data.commission) })
    await report(order)
  }
  const drawdown = price.data.last_of_date === true ? account.closeDate() : undefined
  if (drawdown !== undefined) await warn(price, drawdown)
}

const report = (cause: Event) =>
  publishOnce(createEvent(EventType.PORTFOLIO_UPDATE, account.statement(), outputOf(cause, 'portfolio')))

function warn(cause: Event, drawdown: number) {
  const message = `Equity is ${(drawdown * 100).toFixed(1)} % below its highest close.`
  const alert = { level: 'warning', alert_type: 'drawdown', message, value: drawdown, threshold: DRAWDOWN_LIMIT }
  return publishOnce(createEvent(EventType.RISK_ALERT, alert, outputOf(cause, 'risk')))
}

/** The cause is the price or the order that the account took, which need not be the event whose handling lets it go on. */
function outputOf({ eventId, timestamp, metadata }: Event, what: string) {
  const lineage = { causation_id: eventId, correlation_id: metadata.correlation_id ?? eventId }
  return { source: 'portfolio', eventId: `${eventId}:${what}`, timestamp, metadata: lineage }
}

async function publishOnce(event: Event) {
  if (!published.has(event.eventId)) await system.publishEvent(event)
}

// After a restart the account goes through the log from the start, in silence as far as its predecessor came.
await system.replayEvents({ eventType: OUTPUTS }, ({ eventId }) => published.add(eventId))
await system.replayEvents({ eventType: INPUTS }, remember)

system.registerHandler(
  INPUTS,
  inOrder(async (event) => {
    remember(event)
    await settle()
  })
)

await system.startConsuming(consumeAs('portfolio'))
await untilStopped(system)
