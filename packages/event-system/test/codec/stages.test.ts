import { randomBytes } from 'node:crypto'
import { zstdCompressSync } from 'node:zlib'
import { AS_STORED, createEvent, decodeEvent, type Event, encodeEvent } from '@tradpal/events'
import { expect, it } from 'vitest'
import type { EventSystem } from '../../src/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { keysFile, replace } from '../encryption/keys-in-file.ts'
import { customerOf, prices, systemOver } from '../encryption/systems.ts'
import { describeOnEachLog, type LogUnderTest } from '../support/each-log.ts'
import { envelopeIn, type StoredEnvelope, stagesOf, withEnvelope } from '../support/envelope.ts'
import { append, signal } from '../support/events.ts'

const COMPRESSED = { compression: 'zstd' } as const

/** A signal of which most can be compressed; its number is its price. */
function large(price: number, more: object = {}): Event<'trading_signal'> {
  const event = signal('AAPL', price)
  return { ...event, data: { ...event.data, reason: 'breakout above the range; '.repeat(100), ...more } }
}

async function payloadsIn(under: LogUnderTest): Promise<string[]> {
  const { entries } = await (await under.open()).log.read({ limit: 1_000 })
  return entries.map(({ payload }) => payload ?? '')
}

/** Appends the wire event with these data, past the publisher. */
async function slipIn(under: LogUnderTest, event: Event, data: unknown): Promise<void> {
  const payload = JSON.stringify({ ...JSON.parse(encodeEvent(event)), data })
  await (await under.open()).log.append([{ eventId: event.eventId, eventType: event.eventType, payload }])
}

function packed(json: string): object {
  return { $encoded: `1;data;zstd;${zstdCompressSync(Buffer.from(json)).toString('base64url')}` }
}

async function handledBy(system: EventSystem, count: number): Promise<unknown[]> {
  const handled: unknown[] = []
  system.registerHandler('trading_signal', ({ data }) => void handled.push(data.price))
  await system.startConsuming({ group: 'g', from: 'start' })
  await waitFor(async () => handled.length >= count && (await system.groups.get('g')).pending === 0)
  return handled
}

describeOnEachLog('a log with compression', (under) => {
  it('holds large data compressed and small ones as wire JSON, with the metadata in the clear', async () => {
    const writer = await systemOver(under, COMPRESSED)
    const events = [{ ...large(1), metadata: { desk: 'clear' } }, signal('AAPL', 2)]
    await writer.publishBatch(events)
    const [first = '', second = ''] = await payloadsIn(under)
    expect([stagesOf(first), stagesOf(second)]).toEqual([['zstd'], []])
    expect(first.length).toBeLessThan(encodeEvent(large(1)).length / 4)
    expect(JSON.parse(first)).toMatchObject({ event_id: events[0]?.eventId, metadata: { desk: 'clear' } })
    expect(second).toBe(encodeEvent(events[1] as Event))
  })

  it('is read in every way by a system without the option, beside plain events', async () => {
    await (await systemOver(under, COMPRESSED)).publishBatch([large(1), signal('AAPL', 2)])
    await append(await under.open(), large(3))
    const reader = await systemOver(under, {})
    const events = await reader.getEvents()
    expect(prices(events)).toEqual([1, 2, 3])
    expect(events[0]?.data).toMatchObject(large(1).data)
    expect((await reader.store.getEvent(events[0]?.messageId ?? ''))?.data).toEqual(events[0]?.data)
    const replayed: Event[] = []
    expect(await reader.replayEvents({}, (event) => void replayed.push(event))).toBe(3)
    expect(prices(replayed)).toEqual([1, 2, 3])
    expect(prices((await reader.puller.pull({ group: 'p', from: 'start' })).map(({ event }) => event))).toEqual([
      1, 2, 3
    ])
    expect((await handledBy(reader, 3)).toSorted()).toEqual([1, 2, 3])
    expect(await reader.deadLetters.count()).toBe(0)
  })

  it('finds the effects of a compressed event', async () => {
    const system = await systemOver(under, COMPRESSED)
    system.registerHandler('trading_signal', (_, context) =>
      context.publish(createEvent('system_health', { note: 'again '.repeat(100) } as never))
    )
    await system.startConsuming({ group: 'g', from: 'start' })
    const { messageId } = await system.publish(large(1))
    await waitFor(async () => (await system.groups.get('g')).pending === 0 && (await payloadsIn(under)).length === 2)
    expect((await payloadsIn(under)).map(stagesOf)).toEqual([['zstd'], ['zstd']])
    for (const reader of [system, await systemOver(under, {})]) {
      expect((await reader.store.lineage(messageId)).effects).toMatchObject([{ eventType: 'system_health' }])
    }
  })

  it('compares an event id that comes again by what the events say, compressed or not', async () => {
    const [writer, plain] = [await systemOver(under, COMPRESSED), await systemOver(under, {})]
    const event = large(1)
    const { messageId } = await writer.publish(event)
    for (const system of [writer, plain]) {
      expect(await system.publish({ ...event, source: 'another' })).toMatchObject({ messageId, duplicate: true })
      const other = { ...event, data: { ...event.data, price: 2 } }
      await expect(system.publish(other)).rejects.toMatchObject({ code: 'event_id_conflict' })
    }
  })

  it('takes a dead letter back with other data, compressed', async () => {
    const system = await systemOver(under, COMPRESSED)
    await system.publish(large(1))
    const handled: unknown[] = []
    system.registerHandler('trading_signal', ({ data }) => {
      handled.push(data.price)
      if (data.price === 1) throw new Error('no')
    })
    await system.startConsuming({ group: 'g', from: 'start', maxAttempts: 1 })
    await waitFor(async () => (await system.deadLetters.count()) === 1)
    const [letter] = await system.deadLetters.list()
    expect(stagesOf(letter?.payload ?? '')).toEqual(['zstd'])
    await system.deadLetters.requeue(letter?.id ?? '', { by: 'op', data: large(2).data })
    await waitFor(async () => handled.length === 2 && (await system.groups.get('g')).pending === 0)
    expect(handled).toEqual([1, 2])
  })

  it('makes poison of a bomb, of an unknown stage and of damaged content, and hands out what comes behind them', async () => {
    const bomb = packed(JSON.stringify({ text: 'x'.repeat(5_000_000) }))
    const [unknown, damaged] = [{ $encoded: '1;data;brotli;AAAA' }, { $encoded: '1;data;zstd;AAAA' }]
    for (const data of [bomb, unknown, damaged]) await slipIn(under, signal(), data)
    await append(await under.open(), signal('AAPL', 7))
    const system = await systemOver(under, {})
    expect(prices(await system.getEvents())).toEqual([7])
    expect(await handledBy(system, 1)).toEqual([7])
    const letters = await system.deadLetters.list()
    const code = (letter: (typeof letters)[number]) => /\((\w+)\)$/.exec(letter.lastError.message)?.[1]
    expect(letters.map(({ kind }) => kind)).toEqual(['poison', 'poison', 'poison'])
    expect(letters.map(code)).toEqual(['payload_too_large', 'unknown_encoding', 'invalid_event'])
  })

  it('is no encryption: a compressed event is refused where that is required', async () => {
    await (await systemOver(under, COMPRESSED)).publish(large(1))
    const strict = await systemOver(under, { encryption: { keysFile: keysFile('a'), required: true } })
    expect(await strict.getEvents()).toEqual([])
    expect((await strict.rekey({ dryRun: true })).plain.entries).toBe(1)
    await strict.puller.pull({ group: 'desk', from: 'start' })
    const [letter] = await strict.deadLetters.list()
    expect(letter?.lastError.message).toMatch(/\(not_encrypted\)$/)
  })
})

describeOnEachLog('a log with compression, encryption and signatures', (under) => {
  const secret = randomBytes(32).toString('base64')
  function signingFile(): string {
    const path = keysFile('unused')
    replace(path, JSON.stringify({ current: 'desk', keys: { desk: { algorithm: 'hmac-sha-256', secret } } }))
    return path
  }
  const allStages = (...keys: readonly string[]) => ({
    ...COMPRESSED,
    encryption: { keysFile: keysFile(...keys), metadata: true, keyFor: customerOf },
    signing: { keysFile: signingFile(), verify: 'required' as const }
  })

  it('gives back what was published, and shows nothing of it', async () => {
    const writer = await systemOver(under, allStages('a'))
    const events = [large(1), signal('AAPL', 2), large(3, { customer: 'NAME' })]
    await writer.publishBatch(events)
    const payloads = await payloadsIn(under)
    expect(payloads.map(stagesOf)).toEqual([['zstd', 'aes-256-gcm'], ['aes-256-gcm'], ['zstd', 'aes-256-gcm']])
    expect(payloads.join()).not.toMatch(/breakout|NAME|signature/)
    expect(payloads[0]?.length).toBeLessThan(encodeEvent(large(1)).length / 3)
    const reader = await systemOver(under, { ...allStages('a'), compression: 'none' })
    expect((await reader.getEvents()).map(({ data }) => data)).toMatchObject(events.map(({ data }) => data))
    expect((await handledBy(reader, 3)).toSorted()).toEqual([1, 2, 3])
    const unsigned = await systemOver(under, { ...COMPRESSED, encryption: allStages('a').encryption })
    await unsigned.publish(large(4))
    expect(prices(await unsigned.getEvents())).toEqual([1, 2, 3, 4])
    expect(prices(await reader.getEvents())).toEqual([1, 2, 3])
  })

  it('refuses an event whose list of stages was changed', async () => {
    await (await systemOver(under, allStages('a'))).publish(large(1))
    const [stored] = await payloadsIn(under)
    const { eventId } = decodeEvent(stored ?? '', AS_STORED)
    const { stages } = envelopeIn(stored ?? '') as StoredEnvelope
    for (const changed of [stages.slice(1), stages.slice(0, 1), stages.toReversed(), [...stages, { name: 'brotli' }]]) {
      const { data } = JSON.parse(withEnvelope(stored ?? '', { stages: changed }))
      await slipIn(under, { ...signal(), eventId }, data)
    }
    expect(prices(await (await systemOver(under, allStages('a'))).getEvents())).toEqual([1])
  })

  it('changes its keys, which leaves the compression as it is', async () => {
    const events = [large(1), signal('AAPL', 2), large(3, { customer: 'NAME' })]
    await (await systemOver(under, allStages('old'))).publishBatch(events)
    const rotated = await systemOver(under, allStages('new', 'old'))
    const { isRewritable, rewritten, rewrapped, needed } = await rotated.rekey()
    expect([rewritten, rewrapped]).toEqual([isRewritable ? 2 : 0, 1])
    expect(needed.map(({ keyId, entries }) => [keyId, entries])).toEqual([['old', isRewritable ? 0 : 2]])
    const both = ['zstd', 'aes-256-gcm']
    expect((await payloadsIn(under)).map(stagesOf)).toEqual([both, ['aes-256-gcm'], both])
    if (isRewritable) expect((await payloadsIn(under)).join()).not.toContain('key=old')
    const reader = await systemOver(under, allStages(...(isRewritable ? ['new'] : ['new', 'old'])))
    expect(prices(await reader.getEvents())).toEqual([1, 2, 3])
  })

  it('erases the events of a customer', async () => {
    const system = await systemOver(under, allStages('a'))
    await system.publishBatch([large(1, { customer: 'goes' }), large(2, { customer: 'stays' })])
    const other = await systemOver(under, allStages('a'))
    expect(prices(await other.getEvents())).toEqual([1, 2])
    await system.shred('goes', { by: 'a test', reason: 'a test' })
    for (const each of [system, other]) expect(prices(await each.getEvents())).toEqual([2])
    expect(await handledBy(other, 1)).toEqual([2])
  })
})
