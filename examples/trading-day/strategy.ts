/** Market data in, one trading signal out for each price. */
import { createEvent, type Event, EventSystem, EventType } from '@tradpal/event-system'
import { Crossover } from './crossover.ts'
import { consumeAs, inOrder, untilStopped } from './service.ts'

const system = new EventSystem()
await system.initialize()

const crossovers = new Map<string, Crossover>()
const answered = new Set<string>()

/** The same price has the same signal id, however often it is handled. */
const signalIdOf = (price: Event) => `${price.eventId}:signal`

function advise({ data }: Event<'market_data_update'>) {
  const crossover = crossovers.get(data.symbol) ?? new Crossover(data.symbol)
  crossovers.set(data.symbol, crossover)
  return crossover.next(Number(data.price))
}

// What a predecessor did stands in the log: the prices that have their signal bring the averages to where it stopped.
await system.replayEvents({ eventType: EventType.TRADING_SIGNAL }, ({ eventId }) => answered.add(eventId))
for await (const event of system.readEvents({ eventType: EventType.MARKET_DATA_UPDATE })) {
  if (event.valid && answered.has(signalIdOf(event))) advise(event)
}

system.registerHandler(
  EventType.MARKET_DATA_UPDATE,
  inOrder(async (event) => {
    const eventId = signalIdOf(event)
    if (answered.has(eventId)) return
    const { timestamp, data } = event
    const signal = { symbol: data.symbol, signal: advise(event), price: Number(data.price) }
    await system.publishEvent(createEvent(EventType.TRADING_SIGNAL, signal, { source: 'strategy', eventId, timestamp }))
    answered.add(eventId)
  })
)

await system.startConsuming(consumeAs('strategy'))
await untilStopped(system)
