import { createEvent, EventSystem } from '@tradpal/event-system'
import { waitFor } from '@tradpal/event-system/testing'
import { expect, onTestFinished } from 'vitest'
import { guardedService } from '../http/access/support.ts'
import { LOGS, type LogKind, newLog } from '../http/support/test-service.ts'

const order = (symbol: string) =>
  createEvent('trading_signal', { symbol, signal: 'BUY' }, { source: 'strategy', timestamp: new Date().toISOString() })
const price = createEvent('market_data_update', { symbol: 'BTC/USDT', price: 1, volume: 1 }, { source: 'feed' })

/** The attacker may consume the group of the executor, and read prices only: its pulls must not take orders from the executor. */
export async function stolenEvents(): Promise<void> {
  for (const kind of LOGS) {
    await fromConsumerOverHttp(kind)
    await fromConsumerThatEmbedsTheLibrary(kind)
  }
}

async function fromConsumerOverHttp(kind: LogKind): Promise<void> {
  const { service, as } = await guardedService(kind)
  const executor = await as('executor', ['consume:risk', 'read:*'])
  const attacker = await as('attacker', ['consume:risk', 'read:market_data_update'])
  const pull = { consumer: 'executor-1', from: 'start' }
  expect((await executor.post('/groups/risk/pull', pull)).body).toMatchObject({ count: 0 })
  await service.system.publishBatch([order('AAPL'), price, order('MSFT')])
  await attacker.post('/groups/risk/pull', { from: 'start', event_types: ['market_data_update'] })
  const { deliveries } = (await executor.post('/groups/risk/pull', pull)).body
  expect(symbolsOf(deliveries)).toEqual(['AAPL', 'MSFT'])
}

async function fromConsumerThatEmbedsTheLibrary(kind: LogKind): Promise<void> {
  const place = await newLog(kind)
  const { as } = await guardedService(kind, place)
  const attacker = await as('attacker', ['consume:risk', 'read:market_data_update'])
  const system = new EventSystem({ environment: place })
  onTestFinished(async () => void (await system.close()))
  await system.initialize()
  const executed: string[] = []
  system.registerHandler('trading_signal', ({ data }) => void executed.push(data.symbol))
  // The executor is down for a moment, as when it is deployed.
  await system.storage.queue('risk').create('start')
  await system.publishBatch([order('AAPL'), price, order('MSFT')])
  await attacker.post('/groups/risk/pull', { from: 'start', event_types: ['market_data_update'] })
  await system.startConsuming({ group: 'risk', from: 'start' })
  await system.publishEvent(order('LAST'))
  await waitFor(() => executed.includes('LAST'), { what: 'the last order at the executor' })
  expect(executed).toEqual(['AAPL', 'MSFT', 'LAST'])
}

function symbolsOf(deliveries: readonly { event: { event_type: string; data: { symbol: string } } }[]): string[] {
  return deliveries.filter(({ event }) => event.event_type === 'trading_signal').map(({ event }) => event.data.symbol)
}
