import type { EventSystem } from '@tradpal/event-system'
import { describe, expect, test } from 'vitest'
import { bury, claimRequeued, giveUp } from '../../../../../test/support/bury.ts'
import { get, LOGS, post, serviceOver, signal } from '../support/test-service.ts'
import { guardedService } from './support.ts'

const OTHER_DATA = { symbol: 'BTC/USDT', signal: 'SELL', quantity: 1_000 }
const OPERATOR = ['admin:dead-letters', 'read:*']

/** A service with a dead letter of the group `executor`, whose event the principal `ml_service` published. */
async function withLetter(kind: (typeof LOGS)[number], environment: Record<string, string> = {}) {
  const guarded = await guardedService(kind, environment)
  const publisher = await guarded.as('ml_service', ['publish:*'])
  const { source: _, ...event } = signal()
  await publisher.post('/events', event)
  return { ...guarded, id: await deadLetterOf(guarded.service.system) }
}

async function deadLetterOf(system: EventSystem): Promise<string> {
  const [letter] = await bury(system, 'executor')
  return encodeURIComponent(letter?.id ?? '')
}

/** The event that the group gets next. */
async function delivered(system: EventSystem) {
  const [delivery] = await claimRequeued(system, 'executor')
  return JSON.parse(delivery?.payload ?? 'null')
}

describe.each(LOGS)('a dead letter is put back with other data, over %s,', (kind) => {
  test('by who may publish its type and owns its source; the event says who amended it, and who published it', async () => {
    const { as, service, id } = await withLetter(kind, { EVENT_AUDIT: 'on' })
    const operator = await as('operator', [...OPERATOR, 'publish:trading_signal'], { sources: ['ml_*'] })
    expect((await operator.post(`/dead-letters/${id}/requeue`, { by: 'somebody', data: OTHER_DATA })).status).toBe(200)
    expect(await delivered(service.system)).toMatchObject({
      source: 'ml_service',
      data: OTHER_DATA,
      metadata: { principal: 'ml_service', amended_by: 'operator' }
    })
    const admin = await as('admin', ['*'])
    const { actions } = (await admin.get('/dead-letters/actions')).body
    expect(actions).toMatchObject([{ action: 'requeue', by: 'operator', amended: true }])
    const { entries } = (await admin.get('/audit?action=dead_letters.requeued')).body
    expect(entries).toMatchObject([
      { principal: 'operator', outcome: 'begun', what: { amended: true } },
      { principal: 'operator', outcome: 'done', what: { amended: true } }
    ])
  })

  test.each([
    ['publishes nothing', [], ['ml_*'], /lacks the scope publish:trading_signal/],
    ['publishes another type', ['publish:risk_alert'], ['ml_*'], /lacks the scope publish:trading_signal/],
    ['owns another source', ['publish:*'], ['operator'], /publishes as operator, and not as "ml_service"/]
  ])(
    'but not by who %s: 403, recorded, and the letter stays; as it is they may put it back',
    async (_, scopes, sources, sentence) => {
      const { as, service, id } = await withLetter(kind, { EVENT_AUDIT: 'on' })
      const operator = await as('operator', [...OPERATOR, ...scopes], { sources })
      const refused = await operator.post(`/dead-letters/${id}/requeue`, { data: OTHER_DATA })
      expect(refused).toMatchObject({
        status: 403,
        body: { code: 'forbidden', detail: expect.stringMatching(sentence) }
      })
      expect(await service.system.deadLetters.count()).toBe(1)
      const admin = await as('admin', ['*'])
      const { entries } = (await admin.get('/audit?action=dead_letters.requeued')).body
      expect(entries.at(-1)).toMatchObject({ principal: 'operator', outcome: 'refused', what: { amended: true } })
      expect((await operator.post(`/dead-letters/${id}/requeue`, {})).status).toBe(200)
      const event = await delivered(service.system)
      expect(event.data).toEqual(signal().data)
      expect(event.metadata).not.toHaveProperty('amended_by')
    }
  )

  test('once, and then put back as it is by who publishes nothing: it keeps the data and who amended it', async () => {
    const { as, service, id } = await withLetter(kind)
    const amender = await as('amender', [...OPERATOR, 'publish:*'], { sources: ['*'] })
    await amender.post(`/dead-letters/${id}/requeue`, { data: OTHER_DATA })
    const { storage } = service.system
    const deliveries = await storage.queue('executor').claim('executor-2', { minIdleMs: 0, limit: 1 })
    const [again] = await giveUp(storage, 'executor', 'executor-2', deliveries)
    expect(again).toMatchObject({ amended: true, requeues: 1 })
    const operator = await as('operator', OPERATOR)
    expect((await operator.post('/dead-letters/requeue', { group: 'executor' })).body).toMatchObject({ requeued: 1 })
    expect(await delivered(service.system)).toMatchObject({ data: OTHER_DATA, metadata: { amended_by: 'amender' } })
  })

  test('where nobody is asked for credentials by anybody, who names themselves', async () => {
    const { url, system } = await serviceOver(kind)
    await post(`${url}/events`, signal())
    const id = await deadLetterOf(system)
    expect((await post(`${url}/dead-letters/${id}/requeue`, { by: 'ann', data: OTHER_DATA })).status).toBe(200)
    expect(await delivered(system)).toMatchObject({ data: OTHER_DATA, metadata: { amended_by: 'ann' } })
  })

  test('and nobody publishes an event that says so of itself, with credentials or without', async () => {
    const forged = { ...signal(), metadata: { amended_by: 'operator', correlation_id: 'c' } }
    const { url: open } = await serviceOver(kind)
    const { url, as } = await guardedService(kind)
    const caller = await as('a_test', ['publish:*', 'read:*'])
    const sent = [
      [await post(`${open}/events`, forged), open],
      [await post(`${open}/events/batch`, [forged]), open],
      [await caller.post('/events', forged), url],
      [await caller.post('/events/batch', [forged]), url]
    ] as const
    for (const [{ status }] of sent) expect(status).toBe(200)
    const stored = [...(await get(`${open}/events`)).body.events, ...(await caller.get('/events')).body.events]
    expect(stored).toHaveLength(4)
    for (const { metadata } of stored) {
      expect(metadata).not.toHaveProperty('amended_by')
      expect(metadata.correlation_id).toBe('c')
    }
  })
})
