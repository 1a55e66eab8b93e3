import { createHmac, randomBytes } from 'node:crypto'
import { createEvent, EventSystem } from '@tradpal/event-system'
import { waitFor } from '@tradpal/event-system/testing'
import { expect, onTestFinished } from 'vitest'
import { guardedService } from '../http/access/support.ts'
import { LOGS, type LogKind, newLog } from '../http/support/test-service.ts'

const ATTACKER = ['consume:risk', 'read:market_data_update', 'admin:dead-letters']
const order = () => createEvent('trading_signal', { symbol: 'BTC/USDT', signal: 'BUY' }, { source: 'strategy' })

/**
 * The attacker may consume the group of the executor, and read prices only. It builds delivery ids of orders that the
 * executor holds, to have them put into the dead letters as events that it may read, and to requeue them changed.
 */
export async function forgedDeliveryIds(): Promise<void> {
  for (const kind of LOGS) {
    await againstConsumerOverHttp(kind)
    await againstConsumerThatEmbedsTheLibrary(kind)
  }
}

async function againstConsumerOverHttp(kind: LogKind): Promise<void> {
  const { service, as } = await guardedService(kind)
  const executor = await as('executor', ['consume:risk', 'read:*'])
  const attacker = await as('attacker', ATTACKER)
  await service.system.publishEvent(order())
  const pulled = await executor.post('/groups/risk/pull', { from: 'start', consumer: 'executor-1' })
  const [{ delivery_id: id, event }] = pulled.body.deliveries
  for (const forged of [id, ...forgedIds('executor-1', event.message_id), ...changedIds(id)]) {
    for (const call of ['nack', 'ack', 'extend']) {
      const reason = call === 'nack' ? { reason: 'no', reject: true } : {}
      const { status } = await attacker.post(`/groups/risk/${call}`, { delivery_ids: [forged], ...reason })
      expect({ forged, call, isRefused: status >= 400 && status !== 409 }).toEqual({ forged, call, isRefused: true })
    }
  }
  expect((await attacker.get('/dead-letters')).body.dead_letters).toEqual([])
  const acknowledged = await executor.post('/groups/risk/ack', { delivery_ids: [id] })
  expect(acknowledged.body).toEqual({ acknowledged: 1, lost: [] })
}

async function againstConsumerThatEmbedsTheLibrary(kind: LogKind): Promise<void> {
  const place = await newLog(kind)
  const { as } = await guardedService(kind, place)
  const attacker = await as('attacker', ATTACKER)
  const system = new EventSystem({ environment: place })
  onTestFinished(async () => void (await system.close()))
  await system.initialize()
  const executed: unknown[] = []
  const gate = Promise.withResolvers<void>()
  system.registerHandler('trading_signal', async ({ data }) => {
    executed.push(data)
    await gate.promise
  })
  await system.startConsuming({ group: 'risk', consumer: 'executor-1', from: 'start' })
  const messageId = await system.publishEvent(order())
  await waitFor(() => executed.length === 1, { what: 'the order at the executor' })
  for (const forged of forgedIds('executor-1', messageId)) {
    await attacker.post('/groups/risk/nack', { delivery_ids: [forged], reason: 'no', reject: true })
  }
  const { dead_letters: letters } = (await attacker.get('/dead-letters')).body
  for (const { id } of letters) {
    await attacker.post(`/dead-letters/${id}/requeue`, { data: { symbol: 'BTC/USDT', price: 1, volume: 1 } })
  }
  expect(letters).toEqual([])
  expect(await system.groups.pending('risk')).toMatchObject([{ messageId, consumer: 'executor-1', deliveries: 1 }])
  gate.resolve()
  await waitFor(async () => (await system.groups.get('risk')).pending === 0, { what: 'the order to be acknowledged' })
  expect(executed).toEqual([{ symbol: 'BTC/USDT', signal: 'BUY' }])
}

/** What somebody can build who knows the group, the consumer and the message id, and not the key. */
function forgedIds(consumer: string, messageId: string): string[] {
  const unsigned = ['risk', consumer, messageId, 1, 'market_data_update', 1, Date.now()]
  const parts = ['risk', consumer, messageId, 1, Date.now()]
  const text = encoded(parts)
  const signed = JSON.stringify([...parts, 'attacker'])
  const tags = [
    '',
    randomBytes(32).toString('base64url'),
    ...['', 'tradpal', 'attacker', '\0'.repeat(32)].map((key) => tagOf(key, signed)),
    tagOf('', JSON.stringify([...parts, 'executor']))
  ]
  return [encoded(unsigned), text, ...tags.map((tag) => `${text}.${tag}`)]
}

/** An id of another consumer, with one part changed and the tag kept. */
function changedIds(id: string): string[] {
  const [text = '', tag] = id.split('.')
  const parts = JSON.parse(Buffer.from(text, 'base64url').toString())
  return parts.map((part: unknown, i: number) => {
    const other = typeof part === 'number' ? part + 1 : `${part}x`
    return `${encoded(parts.with(i, other))}${tag === undefined ? '' : `.${tag}`}`
  })
}

function encoded(parts: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url')
}

function tagOf(key: string, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url')
}
