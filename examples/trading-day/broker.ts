/** Trading signals in, executed orders out: every BUY and SELL is filled on paper, at the price of the signal. */
import { createEvent, type Event, EventSystem, EventType } from '@tradpal/event-system'
import { cents, dollars } from './money.ts'
import { CASH_FRACTION, COMMISSION_RATE, STARTING_CASH } from './parameters.ts'
import { consumeAs, inOrder, untilStopped } from './service.ts'
import './fields.ts'

const system = new EventSystem()
await system.initialize()

let cash = cents(STARTING_CASH)
const shares = new Map<string, number>()
const booked = new Set<string>()

function book({ eventId, data }: Event<'order_executed'>) {
  if (booked.has(eventId)) return
  booked.add(eventId)
  const bought = data.side === 'BUY' ? data.quantity : -data.quantity
  cash -= bought * cents(data.price) + cents(Number(data.commission))
  shares.set(data.symbol, (shares.get(data.symbol) ?? 0) + bought)
}

/** Whole shares: for a BUY at least one, so that every signal has its order; for a SELL all there are. */
function fill(signal: Event<'trading_signal'>, side: 'BUY' | 'SELL', eventId: string) {
  const { symbol } = signal.data
  const price = Number(signal.data.price)
  const quantity =
    side === 'BUY' ? Math.max(1, Math.floor((cash * CASH_FRACTION) / cents(price))) : (shares.get(symbol) ?? 0)
  const commission = dollars(Math.round(quantity * cents(price) * COMMISSION_RATE))
  const order = { symbol, side, quantity, price, commission }
  return createEvent(EventType.ORDER_EXECUTED, order, { source: 'broker', eventId, timestamp: signal.timestamp })
}

// The books are the orders in the log: a broker that starts again has all that it ever filled.
for await (const order of system.readEvents({ eventType: EventType.ORDER_EXECUTED })) if (order.valid) book(order)

system.registerHandler(
  EventType.TRADING_SIGNAL,
  inOrder(async (event) => {
    const side = event.data.signal
    const orderId = `${event.eventId}:order`
    if ((side !== 'BUY' && side !== 'SELL') || booked.has(orderId)) return
    const order = fill(event, side, orderId)
    await system.publishEvent(order)
    book(order)
  })
)

await system.startConsuming(consumeAs('broker'))
await untilStopped(system)
