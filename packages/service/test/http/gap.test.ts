import { EventClient, type StreamGap } from '@tradpal/event-client'
import { createEvent, type EventSystem, type LogGap } from '@tradpal/event-system'
import { waitFor } from '@tradpal/event-system/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { redisClient } from '../../../../test/support/redis-client.ts'
import { SseReader } from './support/sse-reader.ts'
import { get, LOGS, newLog, post, serviceOver } from './support/test-service.ts'

const AHEAD = '4000000000000-0'
const events = (count: number) =>
  Array.from({ length: count }, () => createEvent('trading_signal', { symbol: 'A', signal: 'BUY' }))

/** A service whose log had five events, of which so many newest are left. */
async function trimmed(log: (typeof LOGS)[number], left: number) {
  const { url, system } = await serviceOver(log)
  const ids = await system.publishBatch(events(5))
  await system.store.trim({ maxLength: left })
  return { url, system, ids }
}

async function framesOf(url: string, count: number): Promise<SseReader['frames']> {
  const reader = await SseReader.open(url)
  await waitFor(() => reader.frames.length >= count)
  return reader.frames
}

const tellsOfGap = async (system: EventSystem, after: string) => {
  const gaps: LogGap[] = []
  const found = await Array.fromAsync(system.readEvents({ after, onGap: (gap) => gaps.push(gap) }))
  return { gaps, found: found.map(({ messageId }) => messageId) }
}

describe.each(LOGS)('resuming behind an id, over %s', (log) => {
  test.each([
    ['that was trimmed', 0, 2, true],
    ['that was trimmed with all the rest', 0, 0, true],
    ['that is the first', 3, 2, false],
    ['that is the last, all of the log being trimmed', 4, 0, false],
    ['in a log that was not trimmed', 0, 5, false]
  ])('%s: the answers, the stream and the library say whether there is a gap', async (_what, asked, left, isGap) => {
    const { url, system, ids } = await trimmed(log, left)
    const after = ids[asked] ?? ''
    const firstId = left === 0 ? null : (ids[5 - left] ?? null)

    const query = await get(`${url}/events?after=${after}`)
    const replay = await post(`${url}/events/replay`, { after })
    expect([query.status, query.body.gap]).toEqual([200, isGap || undefined])
    expect([replay.status, replay.body.gap]).toEqual([200, isGap || undefined])

    for (const path of ['/events?', '/events/stream?', '/events/replay?']) {
      const method = path.includes('replay') ? 'POST' : 'HEAD'
      const { status } = await get(`${url}${path}after=${after}&on_gap=error`, { method })
      expect([path, status]).toEqual([path, isGap ? 409 : 200])
    }

    const frames = await framesOf(`${url}/events/stream?after=${after}`, (isGap ? 2 : 1) + Math.min(4 - asked, left))
    const told = frames.filter(({ event }) => event === 'gap').map(({ id, data }) => ({ id, data }))
    expect(told).toEqual(isGap ? [{ id: undefined, data: { asked_id: after, first_id: firstId } }] : [])

    const accept = 'text/event-stream'
    const streamed = await fetch(`${url}/events/replay?after=${after}`, { method: 'POST', headers: { accept } })
    const gapFrame = `event: gap\ndata: {"asked_id":"${after}","first_id":${JSON.stringify(firstId)}}\n\n`
    const text = await streamed.text()
    expect(text.startsWith(gapFrame)).toBe(isGap)
    expect(text.split('event: gap')).toHaveLength(isGap ? 2 : 1)

    const { gaps, found } = await tellsOfGap(system, after)
    expect(gaps).toEqual(isGap ? [{ after, firstId }] : [])
    expect(found).toEqual([...ids.slice(Math.max(asked + 1, 5 - left))])
    const strict = system.getEvents({ after, onGap: 'error' })
    if (isGap) await expect(strict).rejects.toMatchObject({ code: 'entry_trimmed' })
    else expect(await strict).toHaveLength(found.length)
  })

  test('that is ahead of the log is refused: in queries, replays, streams, the library and for a new group', async () => {
    const { url, system } = await trimmed(log, 2)
    for (const [path, init] of [
      [`/events?after=${AHEAD}`, {}],
      [`/events/stream?after=${AHEAD}`, {}],
      ['/events/stream', { headers: { 'last-event-id': AHEAD } }],
      [`/events/replay?after=${AHEAD}`, { method: 'POST' }]
    ] as const) {
      const answer = await get(`${url}${path}`, init)
      expect(answer, path).toMatchObject({
        status: 400,
        body: {
          code: 'invalid_argument',
          detail: expect.stringMatching(/4000000000000-0 is ahead of the log, whose last is/)
        }
      })
    }
    const pull = await post(`${url}/groups/desk/pull`, { from: AHEAD })
    expect(pull.status).toBe(400)
    await expect(system.getEvents({ after: AHEAD })).rejects.toMatchObject({ code: 'invalid_argument' })
    const pages = system.store.follow({ after: AHEAD })
    await expect(pages.next()).rejects.toMatchObject({ code: 'invalid_argument' })
    system.registerHandler('*', () => {})
    await expect(system.startConsuming({ group: 'desk', from: AHEAD })).rejects.toMatchObject({
      code: expect.stringMatching(/^invalid_/)
    })
  })

  test('is told to a subscription of the client', async () => {
    const { url, system, ids } = await trimmed(log, 2)
    await using client = new EventClient({ url })
    const gaps: StreamGap[] = []
    const subscription = client.subscribe({ after: ids[0] ?? '', onGap: (gap) => gaps.push(gap) })

    const { value } = await subscription[Symbol.asyncIterator]().next()

    expect(value?.messageId).toBe(ids[3])
    expect(gaps).toEqual([{ after: ids[0], firstId: ids[3] }])
    expect(await system.getEvents()).toHaveLength(2)
  })

  test('is refused by a log that never had an entry', async () => {
    const { url } = await serviceOver(log)
    expect(await get(`${url}/events?after=1-0`)).toMatchObject({
      status: 400,
      body: { detail: expect.stringMatching(/ahead of the log, which never had an entry/) }
    })
    expect((await get(`${url}/events?after=0-0`)).status).toBe(200)
  })

  test('frames of events=unnamed have no name, and all others have one', async () => {
    const { url, ids } = await trimmed(log, 2)
    const frames = await framesOf(`${url}/events/stream?events=unnamed&after=${ids[0]}`, 4)
    expect(frames.slice(0, 4).map(({ id, event }) => [id, event])).toEqual([
      [ids[0], 'position'],
      [undefined, 'gap'],
      [ids[3], undefined],
      [ids[4], undefined]
    ])
  })
})

test('an XTRIM by hand is a gap', async () => {
  const place = await newLog('redis')
  const { url, system } = await serviceOver('redis', place)
  const ids = await system.publishBatch(events(5))
  const client = await redisClient(place.REDIS_URL ?? '').connect()
  onTestFinished(() => client.destroy())
  await client.sendCommand(['XTRIM', place.EVENT_STREAM_NAME ?? '', 'MAXLEN', '1'])
  expect((await get(`${url}/events?after=${ids[0]}`)).body).toMatchObject({ gap: true, count: 1 })
})
