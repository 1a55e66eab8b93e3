import { expect } from 'vitest'
import { type Caller, guardedService } from '../http/access/support.ts'
import { signal } from '../http/support/test-service.ts'

const CHANGED = { symbol: 'BTC/USDT', signal: 'SELL', quantity: 1_000_000 }

/**
 * The executor gives up an order. An operator who may look after dead letters puts it back with other data: the executor would get
 * them under the source and the principal of the strategy.
 */
export async function amendedDeadLetters(): Promise<void> {
  const { as } = await guardedService('redis')
  const strategy = await as('strategy', ['publish:trading_signal'])
  const executor = await as('executor', ['consume:executor', 'read:trading_signal'])
  const { source: _, ...order } = signal()
  expect((await strategy.post('/events', order)).status).toBe(200)
  const [given] = await pulled(executor)
  const nack = { delivery_ids: [given?.delivery_id], reason: 'no such account', reject: true }
  expect((await executor.post('/groups/executor/nack', nack)).body).toMatchObject({ dead: 1 })

  const looking = ['admin:dead-letters', 'read:trading_signal']
  const attackers = [
    await as('operator', looking),
    await as('operator', [...looking, 'publish:risk_alert'], { sources: ['*'] }),
    await as('operator', [...looking, 'publish:trading_signal'])
  ]
  for (const attacker of attackers) {
    const [letter] = (await attacker.get('/dead-letters')).body.dead_letters
    await attacker.post(`/dead-letters/${encodeURIComponent(letter.id)}/requeue`, { by: 'strategy', data: CHANGED })
    expect(await pulled(executor)).toEqual([])
  }

  const [operator] = attackers as [Caller]
  const [letter] = (await operator.get('/dead-letters')).body.dead_letters
  expect((await operator.post(`/dead-letters/${encodeURIComponent(letter.id)}/requeue`, {})).status).toBe(200)
  const [again] = await pulled(executor)
  expect(again?.event).toMatchObject({ source: 'strategy', data: order.data, metadata: { principal: 'strategy' } })
  expect(again?.event.metadata).not.toHaveProperty('amended_by')
}

async function pulled(executor: Caller) {
  const pull = { consumer: 'executor', from: 'start', event_types: ['trading_signal'] }
  const { status, body } = await executor.post('/groups/executor/pull', pull)
  expect(status).toBe(200)
  return body.deliveries as readonly { delivery_id: string; event: { metadata: object } }[]
}
