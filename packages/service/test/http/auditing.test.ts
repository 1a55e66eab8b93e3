import { readFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { Documents, systemClock } from '@tradpal/event-system'
import { ApiKeys } from '@tradpal/event-system/access'
import { waitFor } from '@tradpal/event-system/testing'
import { fastify } from 'fastify'
import { describe, expect, test } from 'vitest'
import { bury } from '../../../../test/support/bury.ts'
import { redisClient } from '../../../../test/support/redis-client.ts'
import { readServiceConfiguration } from '../../src/configuration.ts'
import { recordActions } from '../../src/http/auditing.ts'
import { SseReader } from './support/sse-reader.ts'
import { get, LOGS, newLog, post, serviceOver, signal } from './support/test-service.ts'

// biome-ignore lint/suspicious/noExplicitAny: a test reads what the wire brings
type Entry = Record<string, any>

describe.each(LOGS)('what the service records, over %s', (kind) => {
  async function recording(environment: Record<string, string> = {}) {
    const place = await newLog(kind)
    const service = await serviceOver(kind, { ...place, EVENT_AUTH: 'required', ...environment })
    const keys = new ApiKeys(new Documents(service.system.storage), systemClock)
    const admin = await keys.create({ name: 'admin', scopes: ['*'], sources: ['*'], by: 'a_test' })
    const bearer = (key: string) => ({ authorization: `Bearer ${key}` })
    const ask = (path: string, body?: unknown, method = 'POST', key = admin.key) =>
      body === undefined && method === 'POST'
        ? get(`${service.url}${path}`, { headers: bearer(key) })
        : get(`${service.url}${path}`, {
            method,
            headers: { 'content-type': 'application/json', ...bearer(key) },
            ...(body === undefined ? {} : { body: JSON.stringify(body) })
          })
    const listed = async (query = '') => (await ask(`/audit?limit=1000${query}`)).body.entries as Entry[]
    return { service, place, ask, listed, keys, admin }
  }

  test('administration is written before it is done, and what came of it before it is answered', async () => {
    const { service, ask, listed, admin } = await recording()
    await ask('/events/batch', [signal(), signal()])
    const [letter] = await bury(service.system, 'brokers')
    await service.system.storage.queue('desk').create('start')

    await ask('/groups/desk/seek', { to: 'end' })
    await ask('/groups/desk', { event_types: ['trading_signal'] }, 'PATCH')
    await ask('/delivery-key/rotate', {})
    await ask('/groups/desk', undefined, 'DELETE')
    await ask('/groups/nobody', undefined, 'DELETE')
    await ask('/dead-letters/requeue', { group: 'brokers', dry_run: true })
    await ask(`/dead-letters/${letter?.id}/requeue`, { data: { symbol: 'BTC/USDT', signal: 'SELL' } })
    await ask('/events/trim', { max_length: 0, force: true })
    await ask('/events/replay', { event_type: 'trading_signal' })

    const entries = (await listed()).filter(({ action }) => action !== 'events.published')
    const told = entries.map(({ action, outcome, what, code }) => [action, outcome, what, ...(code ? [code] : [])])
    expect(told).toEqual([
      ['groups.moved', 'begun', { group: 'desk', to: 'end', force: false }],
      ['groups.moved', 'done', { group: 'desk', to: 'end', force: false }],
      ['groups.changed', 'begun', { group: 'desk', event_types: ['trading_signal'] }],
      ['groups.changed', 'done', { group: 'desk', event_types: ['trading_signal'] }],
      ['delivery_key.rotated', 'begun', {}],
      ['delivery_key.rotated', 'done', {}],
      ['groups.removed', 'begun', { group: 'desk', force: false }],
      ['groups.removed', 'done', { group: 'desk', force: false }],
      ['groups.removed', 'begun', { group: 'nobody', force: false }],
      ['groups.removed', 'failed', { group: 'nobody', force: false }, 'not_found'],
      ['dead_letters.requeued', 'begun', { id: letter?.id, amended: true }],
      ['dead_letters.requeued', 'done', { id: letter?.id, amended: true }],
      ['log.trimmed', 'begun', { max_length: 0, force: true, dry_run: false }],
      ['log.trimmed', 'done', expect.objectContaining({ max_length: 0, removed: 2 })],
      ['events.replayed', 'begun', { event_type: ['trading_signal'] }],
      ['events.replayed', 'done', { event_type: ['trading_signal'], events_replayed: 0 }]
    ])
    expect(entries[0]).toMatchObject({
      principal: 'admin',
      proof: 'api key',
      key_id: admin.apiKey.id,
      address: '127.0.0.1',
      request_id: entries[1]?.request_id
    })
    expect((await ask('/audit/verification')).body).toMatchObject({ ok: true })
  })

  test('a replay that is streamed is written before it begins, and behind its end', async () => {
    const { ask, listed, service, admin } = await recording()
    await ask('/events', signal())
    const headers = { accept: 'application/x-ndjson', authorization: `Bearer ${admin.key}` }
    expect((await post(`${service.url}/events/replay`, undefined, headers)).text).toContain('trading_signal')
    await waitFor(async () => (await listed('&action=events.replayed')).length === 2)
    expect((await listed('&action=events.replayed')).map(({ outcome }) => outcome)).toEqual(['begun', 'done'])
  })

  test('publishes are counted by principal, and refusals after the first few, in entries that are few', async () => {
    const { service, ask, keys, place } = await recording()
    const reader = await keys.create({ name: 'reader', scopes: ['read:*'], by: 'a_test' })
    const ids: string[] = []
    for (let i = 0; i < 20; i++) ids.push((await ask('/events', signal())).body.message_id)
    const flood = async () => {
      for (let i = 0; i < 50; i++) {
        const response = await fetch(`${service.url}/events?x=${i}`, { method: 'POST' })
        await response.arrayBuffer()
        expect(response.status).toBe(401)
      }
    }
    await Promise.all(Array.from({ length: 8 }, flood))
    for (let i = 0; i < 7; i++) expect((await ask('/events', signal(), 'POST', reader.key)).status).toBe(403)
    await service.close()

    const again = await serviceOver(kind, { ...place, EVENT_AUTH: 'off', EVENT_AUDIT: 'on' })
    const { entries } = (await get(`${again.url}/audit?limit=1000`)).body as { entries: Entry[] }
    const published = entries.filter(({ action }) => action === 'events.published')
    expect(published.length).toBeLessThanOrEqual(20)
    expect(published.reduce((sum, { what }) => sum + what.by_type.trading_signal, 0)).toBe(20)
    expect(published[0]).toMatchObject({ principal: 'admin', outcome: 'done', what: { first: ids[0] } })
    expect(published.at(-1)?.what.last).toBe(ids.at(-1))
    const refused = entries.filter(({ outcome }) => outcome === 'refused')
    const strangers = refused.filter(({ code }) => code === 'unauthenticated')
    expect(strangers).toHaveLength(6)
    expect(strangers[0]).toMatchObject({
      principal: 'anonymous',
      what: { method: 'POST', route: '/events' },
      address: '127.0.0.1'
    })
    expect(strangers[5]?.what).toMatchObject({ further: 395, route: '/events' })
    const readers = refused.filter(({ code }) => code === 'forbidden')
    expect(readers.map(({ principal, what }) => [principal, what.further])).toEqual([
      ...Array(5).fill(['reader', undefined]),
      ['reader', 2]
    ])
    expect((await get(`${again.url}/audit?refused=true&principal=reader`)).body.count).toBe(6)
  })

  test('publishes that the log fails are counted, with the code', async () => {
    const { ask, place, listed } = await recording()
    await ask('/events', signal())
    await breakLog(place)

    const single = await ask('/events', signal())
    await ask('/events/batch', [signal(), signal()])
    await ask('/events/trading-signal', { signal: { symbol: 'BTC/USDT', signal: 'BUY' } })
    expect((await ask('/events', { event_type: 'trading_signal', data: { symbol: 5 } })).status).toBe(400)

    expect(single.status).toBeGreaterThanOrEqual(500)
    const failed = await waitFor(async () => {
      const entries = (await listed('&action=events.published')).filter(({ outcome }) => outcome === 'failed')
      return entries.reduce((sum, { what }) => sum + what.requests, 0) === 3 && entries
    })
    expect(failed.reduce((sum, { what }) => sum + what.by_type.trading_signal, 0)).toBe(4)
    for (const { principal, code, what } of failed) {
      expect([principal, code, what.last]).toEqual(['admin', single.body.code, undefined])
    }
  })

  test('who settles deliveries is counted by principal and group, and what becomes a dead letter is named', async () => {
    const { ask, listed, keys, admin } = await recording()
    const other = await keys.create({ name: 'other', scopes: ['consume:*', 'read:*'], by: 'a_test' })
    await ask(
      '/events/batch',
      Array.from({ length: 4 }, () => signal())
    )
    const pulled = (await ask('/groups/desk/pull', { from: 'start' })).body.deliveries as Entry[]
    const [one, two, three, four] = pulled.map(({ delivery_id }) => delivery_id)
    const messageIds = pulled.map(({ event }) => event.message_id)
    const settle = (call: string, ids: unknown[], more: object = {}) =>
      ask(`/groups/desk/${call}`, { delivery_ids: ids, ...more })
    await settle('extend', [one, two, three, four])
    await settle('ack', [one])
    await settle('ack', [one, two])
    await settle('nack', [three], { reason: 'no', reject: true })
    expect((await settle('ack', [one])).status).toBe(409)
    expect((await ask('/groups/desk/ack', { delivery_ids: [four] }, 'POST', other.key)).status).toBe(403)
    await settle('nack', [four], { delay_ms: 60_000 })

    const entries = await waitFor(async () => {
      const found = await listed('&action=deliveries.settled')
      return found.reduce((sum, { what }) => sum + what.requests, 0) === 6 && found
    })
    const total = (name: string) => entries.reduce((sum, { what }) => sum + (what[name] ?? 0), 0)
    const names = ['extended', 'acknowledged', 'returned', 'dead', 'lost', 'deliveries']
    expect(names.map(total)).toEqual([4, 2, 1, 1, 2, 0])
    expect(entries.flatMap(({ what }) => what.dead_ids ?? [])).toEqual([messageIds[2]])
    expect([entries[0]?.what.first, entries.at(-1)?.what.last]).toEqual([messageIds[0], messageIds[3]])
    for (const entry of entries) {
      const who = { principal: 'admin', proof: 'api key', key_id: admin.apiKey.id, outcome: 'done' }
      expect(entry).toMatchObject({ ...who, what: { group: 'desk' } })
    }
    const refused = await waitFor(async () => {
      const found = await listed('&principal=other')
      return found.length > 0 && found
    })
    expect(refused).toMatchObject([{ action: 'request.refused', code: 'forbidden' }])
  })

  test('what the log fails to settle is counted, with the code', async () => {
    const { ask, listed, place } = await recording()
    await ask('/events', signal())
    const [delivery] = (await ask('/groups/desk/pull', { from: 'start' })).body.deliveries as Entry[]
    await breakLog(place)
    const failed = await ask('/groups/desk/ack', { delivery_ids: [delivery?.delivery_id] })
    expect(failed.status).toBeGreaterThanOrEqual(500)
    const entries = await waitFor(async () => {
      const found = await listed('&action=deliveries.settled')
      return found.length > 0 && found
    })
    expect(entries).toMatchObject([
      { outcome: 'failed', code: failed.body.code, what: { deliveries: 1, first: delivery?.event.message_id } }
    ])
  })

  test('what the service trims by itself is recorded, also what it trims when it starts', async () => {
    const { service, ask, place } = await recording()
    for (let i = 0; i < 5; i++) await ask('/events', signal())
    await service.close()

    const trimming = await serviceOver(kind, {
      ...place,
      EVENT_AUTH: 'off',
      EVENT_AUDIT: 'on',
      EVENT_RETENTION_MAX_LENGTH: '2'
    })
    const trims = await waitFor(async () => {
      const { entries } = (await get(`${trimming.url}/audit?action=log.trimmed`)).body as { entries: Entry[] }
      return entries.length > 0 && entries
    })
    expect(trims).toMatchObject([{ principal: 'service', proof: 'the service', outcome: 'done', what: { removed: 3 } }])
  })

  test('the end of a stream, a replay and a waiting pull whose credential has ended is recorded, of each once', async () => {
    const { service, ask, listed, keys } = await recording()
    const { key, apiKey } = await keys.create({ name: 'a', scopes: ['read:*', 'consume:*', 'replay'], by: 'a_test' })
    const bearing = { authorization: `Bearer ${key}` }
    await ask('/events', signal())
    const timeOf = async () => {
      await ask('/events', signal())
      const { first, last } = await service.system.getEventStats()
      return first?.appendedAt !== last?.appendedAt
    }
    await waitFor(timeOf, { what: 'an event of a later millisecond' })
    const stream = await SseReader.open(`${service.url}/events/stream`, bearing)
    const pull = post(`${service.url}/groups/desk/pull`, { wait_ms: 20_000 }, bearing)
    const paced = { ...bearing, accept: 'application/x-ndjson' }
    const replay = get(`${service.url}/events/replay?speed=0.00001`, { method: 'POST', headers: paced })
    await waitFor(async () => (await service.system.groups.list()).length === 1, { what: 'the pull' })
    await waitFor(async () => (await listed('&action=events.replayed')).length === 1, { what: 'the replay' })

    await keys.revoke(apiKey.id)
    await Promise.all([pull, replay, waitFor(() => stream.ended)])

    const ended = await waitFor(async () => {
      const entries = await listed('&action=answer.ended')
      return entries.length >= 3 && entries
    })
    expect(ended.map(({ what }) => `${what.method} ${what.route}`).toSorted()).toEqual([
      'GET /events/stream',
      'POST /events/replay',
      'POST /groups/:group/pull'
    ])
    for (const entry of ended) {
      const who = { principal: 'a', proof: 'api key', key_id: apiKey.id, address: '127.0.0.1' }
      expect(entry).toMatchObject({ ...who, outcome: 'refused', code: 'unauthenticated' })
    }
    const replayed = await listed('&action=events.replayed')
    expect(replayed.map(({ outcome, code }) => [outcome, code])).toEqual([
      ['begun', undefined],
      ['refused', 'unauthenticated']
    ])
    expect(ended.map(({ request_id }) => request_id)).toContain(replayed[0]?.request_id)
    expect(await listed('&action=request.refused')).toEqual([])
  })

  test('no payload and no secret is in it', async () => {
    const { service, ask, listed, admin, place } = await recording()
    const marker = 'MARKER-4711'
    await ask('/events', signal('BTC/USDT', { note: marker }))
    await ask('/events', { event_type: 'trading_signal', data: { symbol: marker, signal: 'MAYBE' } })
    const made = (await ask('/keys', { name: 'maker', scopes: ['read:*'] })).body
    await ask(`/keys/${made.id}/rotate`, {})
    await ask(`/keys/${made.id}`, undefined, 'DELETE')
    await ask(`/groups/${made.key}/seek`, { to: 'end' })
    await get(`${service.url}/groups/${made.key}`, { headers: { authorization: `Bearer ${made.key}` } })
    expect((await listed('&action=keys.created')).map(({ what }) => what)).toEqual([
      { name: 'maker', scopes: ['read:*'] },
      { name: 'maker', scopes: ['read:*'], id: made.id }
    ])
    expect((await listed('&action=keys.revoked')).at(-1)).toMatchObject({ outcome: 'done', what: { id: made.id } })
    await service.close()

    const text = await rawBytes(place)
    expect(text).toContain('keys.created')
    expect(text).toContain(made.id)
    expect(text).not.toContain(marker)
    for (const key of [admin.key, made.key]) expect(text).not.toContain(key.slice(21))
  })

  test('what cannot be written is refused with 503 and not done, and publishing goes on', async () => {
    const { service, ask, place } = await recording()
    await service.system.storage.queue('desk').create('start')
    await breakAuditLog(place)

    const refused = await ask('/groups/desk', undefined, 'DELETE')
    expect(refused).toMatchObject({ status: 503, body: { code: 'audit_unavailable' } })
    expect((await service.system.groups.list()).map(({ name }) => name)).toEqual(['desk'])
    expect((await ask('/events', signal())).status).toBe(200)
  })

  test('nothing is recorded where nobody is asked, or EVENT_AUDIT=off', async () => {
    const open = await serviceOver(kind)
    expect((await get(`${open.url}/audit`)).body).toMatchObject({
      code: 'not_found',
      detail: expect.stringMatching('EVENT_AUDIT=on')
    })
    const { ask } = await recording({ EVENT_AUDIT: 'off' })
    expect((await ask('/audit')).status).toBe(404)
  })

  test('only who has admin:audit sees it', async () => {
    const { ask, keys } = await recording()
    const other = await keys.create({ name: 'other', scopes: ['admin:keys', 'read:*'], by: 'a_test' })
    for (const path of ['/audit', '/audit/head', '/audit/verification']) {
      expect((await ask(path, undefined, 'GET', other.key)).status).toBe(403)
      expect((await ask(path)).status).toBe(200)
    }
    const { head } = (await ask('/audit/head')).body
    expect((await ask(`/audit/verification?head=${head}`)).body.ok).toBe(true)
    expect((await ask('/audit/verification?head=1:abc')).body).toMatchObject({ code: 'invalid_argument' })
    const cut = await ask(`/audit/verification?head=99:${'0'.repeat(64)}`)
    expect(cut.body).toMatchObject({ ok: false, fault: { kind: 'end_removed' } })
  })
})

test('an endpoint that does not say what is recorded cannot be added', async () => {
  const app = fastify()
  recordActions(app, undefined)
  app.get('/open', { config: { audit: 'nothing' } }, async () => ({}))
  app.get('/silent', async () => ({}))
  await expect(app.ready()).rejects.toThrow('GET /silent does not say what is recorded')
})

test.each([
  [{}, { isOn: false, retentionMs: undefined }],
  [{ EVENT_AUTH: 'optional' }, { isOn: true }],
  [{ EVENT_AUTH: 'required', EVENT_AUDIT: 'off' }, { isOn: false }],
  [
    { EVENT_AUDIT: 'on', EVENT_AUDIT_RETENTION: '7d' },
    { isOn: true, retentionMs: 604_800_000 }
  ]
])('%j makes the audit %j', (environment, audit) => {
  expect(readServiceConfiguration(environment).audit).toMatchObject(audit)
})

test.each([
  [{ EVENT_AUDIT: 'yes' }, /^EVENT_AUDIT must be off or on, got "yes"\.$/],
  [{ EVENT_AUDIT_RETENTION: 'long' }, /^EVENT_AUDIT_RETENTION: "long" is no age such as /],
  [{ EVENT_AUDIT_RETENTION: '0d' }, /^EVENT_AUDIT_RETENTION must be above 0/]
])('%j is refused', (environment, message) => {
  expect(() => readServiceConfiguration(environment)).toThrow(message)
})

/** All that is kept of the audit log, as it is kept. */
async function rawBytes({ EVENT_LOG_PATH: path, REDIS_URL: url, EVENT_STREAM_NAME: stream }: Record<string, string>) {
  if (url !== undefined) {
    const client = redisClient(url)
    await client.connect()
    const keys = await client.keys(`${stream}:audit*`)
    const texts = await Promise.all(keys.map(async (key) => String(await client.dump(key)) + key))
    const entries = JSON.stringify(await client.xRange(`${stream}:audit`, '-', '+'))
    client.destroy()
    return texts.join() + entries
  }
  const files = [`${path}.audit.db`, `${path}.audit.db-wal`]
  return (await Promise.all(files.map((file) => readFile(file, 'latin1').catch(() => '')))).join()
}

/** Makes appends and acknowledgements of events fail. The audit log goes on. */
async function breakLog({ EVENT_LOG_PATH: path, REDIS_URL: url, EVENT_STREAM_NAME: stream }: Record<string, string>) {
  if (url === undefined) {
    const database = new DatabaseSync(path as string)
    database.exec("CREATE TRIGGER broken BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'broken'); END")
    database.exec("CREATE TRIGGER stuck BEFORE DELETE ON pending BEGIN SELECT RAISE(ABORT, 'broken'); END")
    database.close()
    return
  }
  const client = redisClient(url)
  await client.connect()
  await client.set(stream as string, 'broken')
  client.destroy()
}

/** Makes appends fail, of the audit log alone. */
async function breakAuditLog({
  EVENT_LOG_PATH: path,
  REDIS_URL: url,
  EVENT_STREAM_NAME: stream
}: Record<string, string>) {
  if (url === undefined) {
    const database = new DatabaseSync(`${path}.audit.db`)
    database.exec("CREATE TRIGGER broken BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'broken'); END")
    database.close()
    return
  }
  const client = redisClient(url)
  await client.connect()
  await client.del(`${stream}:audit:stream_versions`)
  await client.set(`${stream}:audit:stream_versions`, 'broken')
  client.destroy()
}
