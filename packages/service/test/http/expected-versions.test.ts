import { EventClient } from '@tradpal/event-client'
import { createEvent } from '@tradpal/events'
import { describe, expect, onTestFinished, test } from 'vitest'
import { get, LOGS, post, serviceOver, signal } from './support/test-service.ts'

describe.each(LOGS)('publishing over HTTP only if nothing has changed, over %s', (log) => {
  test('the answer has the version to expect next; who expects another gets 409 with both, and nothing is written', async () => {
    const { url } = await serviceOver(log)
    const at = (version: number) => `stream_key=account-7&expected_version=${version}`

    const first = await post(`${url}/events?${at(0)}`, signal())
    const batch = await post(`${url}/events/batch?${at(1)}`, [signal(), signal()])
    const counted = await post(`${url}/events?stream_key=account-7`, signal())
    const refused = await post(`${url}/events?${at(3)}`, signal())
    const refusedBatch = await post(`${url}/events/batch?${at(3)}`, [signal(), signal()])

    expect([first, batch, counted].map(({ body }) => body.version)).toEqual([1, 3, 4])
    expect((await post(`${url}/events`, signal())).body).not.toHaveProperty('version')
    for (const { status, body } of [refused, refusedBatch]) {
      expect(status).toBe(409)
      expect(body).toMatchObject({
        title: 'Conflict',
        code: 'version_conflict',
        stream_key: 'account-7',
        expected_version: 3,
        actual_version: 4
      })
    }
    expect((await get(`${url}/versions?stream_key=account-7`)).body).toEqual({ stream_key: 'account-7', version: 4 })
    expect((await get(`${url}/events`)).body.count).toBe(5)
  })

  test('a request that is repeated, since its answer was lost, is answered as before, though others came since', async () => {
    const { url } = await serviceOver(log)
    const path = 'stream_key=account-7&expected_version=0'
    const batch = [
      { ...signal(), event_id: 'a' },
      { ...signal(), event_id: 'b' }
    ]
    const first = await post(`${url}/events/batch?${path}`, batch)
    await post(`${url}/events?stream_key=account-7`, signal())

    expect((await post(`${url}/events/batch?${path}`, batch)).body).toEqual({ ...first.body, duplicates: [0, 1] })
    expect((await post(`${url}/events?${path}`, batch[0])).body).toMatchObject({ duplicate: true, version: 1 })
    expect((await post(`${url}/events/batch?${path}`, [...batch, signal()])).status).toBe(409)
  })

  test('a key may have any characters that are no control characters, and one that never was has version 0', async () => {
    const { url } = await serviceOver(log)
    for (const key of ['a/b?c&d', '🏦'.repeat(200), '..', ' ']) {
      const query = new URLSearchParams({ stream_key: key })
      expect((await get(`${url}/versions?${query}`)).body).toEqual({ stream_key: key, version: 0 })
      expect((await post(`${url}/events?${query}`, signal())).body).toMatchObject({ version: 1 })
      expect((await get(`${url}/versions?${query}`)).body).toEqual({ stream_key: key, version: 1 })
    }
  })

  test.each([
    'stream_key=',
    'stream_key=%00',
    `stream_key=${'k'.repeat(201)}`,
    'stream_key=a&stream_key=b',
    'stream_key=a&expected_version=-1',
    'stream_key=a&expected_version=',
    'stream_key=a&expected_version=1.5',
    'stream_key=a&expected_version=9007199254740993',
    'stream_key=a&expected_version=one',
    'expected_version=0',
    'streamKey=a'
  ])('%s is refused with 400, and nothing is written', async (query) => {
    const { url } = await serviceOver(log)
    for (const answer of [
      await post(`${url}/events?${query}`, signal()),
      await post(`${url}/events/batch?${query}`, [signal()])
    ]) {
      expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_argument' } })
    }
    expect((await get(`${url}/events`)).body.count).toBe(0)
  })

  test('the client does so with the options of the library, and its error has the properties of the library', async () => {
    const { url } = await serviceOver(log)
    const client = new EventClient({ url })
    onTestFinished(() => client.close())
    const event = () => createEvent('trading_signal', { symbol: 'BTC/USDT', signal: 'BUY' })

    expect(await client.versionOf('account 7/a')).toBe(0)
    const own = event()
    const first = await client.publish(own, { streamKey: 'account 7/a', expectedVersion: 0 })
    expect(first).toMatchObject({ duplicate: false, version: 1 })
    await client.publishBatch([event(), event()], { streamKey: 'account 7/a', expectedVersion: 1 })
    expect(await client.versionOf('account 7/a')).toBe(3)
    expect(await client.publish(own, { streamKey: 'account 7/a', expectedVersion: 0 })).toEqual({
      ...first,
      duplicate: true
    })
    for (const refused of [
      client.publish(event(), { streamKey: 'account 7/a', expectedVersion: 1 }),
      client.publishBatch([event()], { streamKey: 'account 7/a', expectedVersion: 1 })
    ]) {
      await expect(refused).rejects.toMatchObject({
        code: 'version_conflict',
        status: 409,
        retryable: false,
        streamKey: 'account 7/a',
        expectedVersion: 1,
        actualVersion: 3
      })
    }
    expect(await client.publish(event())).not.toHaveProperty('version')
    await expect(client.versionOf('')).rejects.toMatchObject({ code: 'invalid_argument' })
  })
})
