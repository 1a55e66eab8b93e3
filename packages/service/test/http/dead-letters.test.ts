import { waitFor } from '@tradpal/event-system/testing'
import { describe, expect, test } from 'vitest'
import { bury, claimRequeued, giveUp } from '../../../../test/support/bury.ts'
import type { RunningService } from '../../src/index.ts'
import { get, LOGS, post, serviceOver, signal } from './support/test-service.ts'

/** A service whose group has given up on so many events. */
async function withLetters(log: (typeof LOGS)[number], count: number, group = 'brokers') {
  const service = await serviceOver(log)
  await publish(service, count)
  const letters = await bury(service.system, group, 'The broker is down.')
  return { ...service, letters }
}

async function publish({ url }: Pick<RunningService, 'url'>, count: number) {
  for (let i = 0; i < count; i++) await post(`${url}/events`, signal('BTC/USDT', { order: i }))
}

const remove = (url: string, body: object) =>
  get(url, { method: 'DELETE', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })

describe.each(LOGS)('dead letters, over %s', (log) => {
  test('can be listed, read and put back', async () => {
    const { url, system } = await serviceOver(log)
    let healthy = false
    let handled = 0
    system.registerHandler('trading_signal', () => {
      if (!healthy) throw new Error('the broker is down')
      handled++
    })
    await system.startConsuming({ group: 'brokers', from: 'start', maxAttempts: 1, claimAfterMs: 100 })
    const { body } = await post(`${url}/events`, signal())
    const list = async (query = '') => (await get(`${url}/dead-letters${query}`)).body
    await waitFor(async () => (await list()).count === 1)

    const [letter] = (await list('?group=brokers&limit=5')).dead_letters
    expect(letter).toMatchObject({
      message_id: body.message_id,
      group: 'brokers',
      kind: 'exhausted',
      reason: 'the broker is down',
      attempts: 1,
      requeues: 0,
      amended: false,
      fingerprint: expect.stringMatching(/^[\da-f]{16}$/),
      dead_at: expect.stringMatching(/\+00:00$/)
    })
    expect(JSON.parse(letter.payload).event_id).toBe(body.event_id)
    expect((await list('?group=others')).count).toBe(0)
    expect((await list(`?after=${encodeURIComponent(letter.id)}`)).count).toBe(0)
    const path = `${url}/dead-letters/${encodeURIComponent(letter.id)}`
    expect((await get(path)).body).toEqual(letter)

    healthy = true
    expect((await post(`${path}/requeue`)).body).toEqual({ status: 'requeued', id: letter.id })
    await waitFor(() => handled === 1)
    expect((await post(`${path}/requeue`)).status).toBe(404)
    expect((await get(path)).body).toMatchObject({ status: 404, code: 'not_found' })
  })

  test('one whose entry has left the log cannot be put back: 409', async () => {
    const { url, system } = await serviceOver(log)
    system.registerHandler('*', () => {
      throw new Error('no')
    })
    await system.startConsuming({ group: 'brokers', from: 'start', maxAttempts: 1 })
    await post(`${url}/events`, signal())
    const [letter] = await waitFor(async () => {
      const { dead_letters } = (await get(`${url}/dead-letters`)).body
      return dead_letters.length > 0 && dead_letters
    })
    await system.store.trim({ maxLength: 0 }, { force: true })

    const answer = await post(`${url}/dead-letters/${encodeURIComponent(letter.id)}/requeue`)

    expect(answer).toMatchObject({ status: 409, body: { code: 'entry_trimmed' } })
  })

  test('are found by every condition, and counted beyond the page', async () => {
    const { url, letters, system } = await withLetters(log, 3)
    const [other] = await bury(system, 'others')
    const list = async (query: string) => (await get(`${url}/dead-letters?${query}`)).body
    const { deadAt } = letters[0] ?? { deadAt: 0 }

    expect(await list('limit=1')).toMatchObject({ count: 1, total: 6 })
    expect(await list('group=brokers&limit=2')).toMatchObject({ count: 2, total: 3 })
    expect(await list('event_type=trading_signal&handler=desk&kind=rejected')).toMatchObject({ total: 6 })
    expect(await list('event_type=risk_alert')).toMatchObject({ total: 0 })
    expect(await list(`fingerprint=${letters[0]?.fingerprint}`)).toMatchObject({ total: 3 })
    expect(await list(`group=others&fingerprint=${other?.fingerprint}`)).toMatchObject({ count: 3, total: 3 })
    expect(await list(`group=others&fingerprint=${letters[0]?.fingerprint}`)).toMatchObject({ count: 0, total: 0 })
    expect(await list('handler=other')).toMatchObject({ total: 0 })
    expect(await list('kind=poison')).toMatchObject({ total: 0 })
    expect(await list(`since=${new Date(deadAt).toISOString()}`)).toMatchObject({ total: 6 })
    expect(await list(`until=${new Date(deadAt - 1).toISOString()}`)).toMatchObject({ total: 0 })
  })

  test('one is put back with other data: its group gets them, the log keeps what it has', async () => {
    const { url, letters, system } = await withLetters(log, 1)
    const [letter] = letters
    const path = `${url}/dead-letters/${encodeURIComponent(letter?.id ?? '')}`
    const data = { symbol: 'ETH/USDT', signal: 'SELL' }

    const refused = await post(`${path}/requeue`, { data: { symbol: '', signal: 'SELL' } })
    expect(refused).toMatchObject({ status: 400, body: { code: 'invalid_data', pointer: '/data/symbol' } })
    expect((await post(`${path}/requeue`, { by: 'ann', data })).status).toBe(200)

    const deliveries = await claimRequeued(system, 'brokers')
    expect(deliveries.map(({ payload }) => JSON.parse(payload ?? '').data)).toEqual([data])
    expect((await get(`${url}/events/${letter?.messageId}`)).body.data).toMatchObject({ symbol: 'BTC/USDT' })
    const { actions } = (await get(`${url}/dead-letters/actions`)).body
    expect(actions).toMatchObject([
      { action: 'requeue', by: 'ann', amended: true, letter: { id: letter?.id, requeues: 0, amended: false } }
    ])
  })

  test('one that its group gives up on again says how often it was put back, and that it has other data', async () => {
    const { url, letters, system } = await withLetters(log, 1)
    const [letter] = letters
    const path = `${url}/dead-letters/${encodeURIComponent(letter?.id ?? '')}`
    await post(`${path}/requeue`, { data: { symbol: 'ETH/USDT', signal: 'SELL' } })
    const deliveries = await system.storage.queue('brokers').claim('broker-2', { minIdleMs: 0, limit: 1 })
    await giveUp(system.storage, 'brokers', 'broker-2', deliveries, 'The broker is down.')

    const { dead_letters } = (await get(`${url}/dead-letters`)).body

    expect(dead_letters).toMatchObject([{ requeues: 1, amended: true, fingerprint: letter?.fingerprint }])
    expect(dead_letters[0].id).not.toBe(letter?.id)
  })

  test('are counted by cause, with the oldest of each, and put back by cause', async () => {
    const service = await withLetters(log, 3)
    const { url, letters, system } = service
    await publish(service, 2)
    const unknown = await bury(system, 'brokers', 'No such account.')
    await bury(system, 'others')
    const causes = async (query = '') => (await get(`${url}/dead-letters/causes${query}`)).body

    const { body: oldest } = await get(`${url}/dead-letters/${encodeURIComponent(letters[0]?.id ?? '')}`)
    const ofBrokers = await causes('?group=brokers')
    expect(ofBrokers.count).toBe(2)
    expect(ofBrokers.causes).toContainEqual({
      group: 'brokers',
      fingerprint: letters[0]?.fingerprint,
      count: 3,
      oldest
    })
    expect(ofBrokers.causes).toContainEqual(expect.objectContaining({ fingerprint: unknown[0]?.fingerprint, count: 2 }))
    expect(
      (await causes()).causes.map(({ group, count }: Record<string, unknown>) => `${group} ${count}`).sort()
    ).toEqual(['brokers 2', 'brokers 3', 'others 5'])
    expect(await causes('?group=nobody')).toEqual({ causes: [], count: 0 })
    expect((await get(`${url}/dead-letters/causes?kind=rejected`)).status).toBe(400)

    const requeued = await post(`${url}/dead-letters/requeue`, { fingerprint: unknown[0]?.fingerprint })
    expect(requeued.body).toMatchObject({ matched: 2, requeued: 2, remaining: 0 })
    expect((await causes('?group=brokers')).causes).toMatchObject([{ fingerprint: letters[0]?.fingerprint, count: 3 }])
  })

  test.each(['a~b/ü %', '~'.repeat(140), '/'.repeat(200), 'causes', '%7E', '..'])(
    'of a group with the name %s are found, put back and discarded by their ids',
    async (group) => {
      const { url, letters, system } = await withLetters(log, 2, group)
      const [first, second] = letters.map(({ id }) => `${url}/dead-letters/${encodeURIComponent(id)}`)
      const { body } = await get(`${url}/dead-letters?group=${encodeURIComponent(group)}`)
      expect(body.dead_letters.map(({ id }: { id: string }) => id)).toEqual(letters.map(({ id }) => id))
      const { causes } = (await get(`${url}/dead-letters/causes?group=${encodeURIComponent(group)}`)).body
      expect(causes).toMatchObject([{ group, count: 2, oldest: { id: letters[0]?.id, group } }])

      expect((await get(first ?? '')).body).toEqual(body.dead_letters[0])
      expect((await post(`${first}/requeue`)).body).toEqual({ status: 'requeued', id: letters[0]?.id })
      expect((await remove(second ?? '', { reason: 'A test.' })).body).toEqual({
        status: 'discarded',
        id: letters[1]?.id
      })
      expect(await system.deadLetters.count()).toBe(0)
      expect((await system.storage.queue(group).info()).pending).toBe(1)
    }
  )

  test('all that match are put back in bounded steps, those that came since are left', async () => {
    const service = await withLetters(log, 5)
    const { url, system } = service
    const body = { group: 'brokers' }
    expect((await post(`${url}/dead-letters/requeue`, { ...body, dry_run: true })).body).toMatchObject({
      matched: 5,
      requeued: 0,
      remaining: 5
    })
    const first = await post(`${url}/dead-letters/requeue`, { ...body, limit: 2 })
    expect(first.body).toMatchObject({ matched: 5, requeued: 2, remaining: 3, failed: [] })
    await publish(service, 1)
    await waitFor(() => Date.now() > Date.parse(first.body.next.until))
    const [late] = await bury(system, 'brokers')

    const second = await post(`${url}/dead-letters/requeue`, { ...body, ...first.body.next })

    expect(second.body).toEqual({ matched: 3, requeued: 3, remaining: 0, failed: [] })
    expect((await get(`${url}/dead-letters`)).body.dead_letters).toMatchObject([{ id: late?.id }])
    expect((await system.storage.queue('brokers').info()).pending).toBe(5)
  })

  test('without a filter nothing is put back, unless all are meant', async () => {
    const { url } = await withLetters(log, 2)
    const refused = await post(`${url}/dead-letters/requeue`, {})
    expect(refused).toMatchObject({ status: 400, body: { code: 'invalid_argument' } })
    expect((await post(`${url}/dead-letters/requeue`, { grup: 'brokers' })).status).toBe(400)
    expect((await get(`${url}/dead-letters`)).body.total).toBe(2)
    expect((await post(`${url}/dead-letters/requeue`, { all: true })).body).toMatchObject({ requeued: 2 })
  })

  test('one is discarded with a reason, and the record keeps it', async () => {
    const { url, letters } = await withLetters(log, 1)
    const path = `${url}/dead-letters/${encodeURIComponent(letters[0]?.id ?? '')}`
    expect(await remove(path, {})).toMatchObject({ status: 400, body: { code: 'invalid_argument' } })
    const { body: letter } = await get(path)

    expect((await remove(path, { reason: 'The order was cancelled.', by: 'ann' })).body).toMatchObject({
      status: 'discarded'
    })

    expect((await get(path)).status).toBe(404)
    expect((await remove(path, { reason: 'Again.' })).status).toBe(404)
    const { actions } = (await get(`${url}/dead-letters/actions`)).body
    expect(actions).toEqual([
      {
        id: expect.any(String),
        at: expect.stringMatching(/\+00:00$/),
        action: 'discard',
        by: 'ann',
        reason: 'The order was cancelled.',
        amended: false,
        letter
      }
    ])
  })
})
