import { createEvent, type Event, type EventSystemError, registerEventType } from '@tradpal/events'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { envelopeIn, type StoredEnvelope, stagesOf, withEnvelope } from '../../test/support/envelope.ts'
import { zstdStage } from './compression/zstd.ts'
import { plainCodec } from './event-codec.ts'
import type { ContentStage, EventStage } from './stage.ts'
import { stagedCodec } from './staged-codec.ts'

registerEventType({ name: 'staged_note', schema: { type: 'object' } })

function note(data: object, metadata: object = {}): Event {
  return createEvent('staged_note' as string, data as never, { source: 'desk', metadata: metadata as never })
}

/** Changes each byte by a number that the envelope says. */
function shifting(name: string, by: number): ContentStage {
  const shifted = (content: Buffer, distance: number) => Buffer.from(content.map((byte) => byte + distance))
  return {
    name,
    write: (content, { head }) => ({ head: head.with({ name, by: String(by) }), content: shifted(content, by) }),
    read: (content, applied) => shifted(content, -Number(applied.by))
  }
}

/** Leaves short content as it is. */
function reversing(atLeast: number): ContentStage {
  return {
    name: 'reverse',
    isOptional: true,
    write(content, { head }) {
      if (content.length < atLeast) return undefined
      return { head: head.with({ name: 'reverse' }), content: Buffer.from(content.toReversed()) }
    },
    read: (content) => Buffer.from(content.toReversed())
  }
}

function marking(name: string): EventStage {
  return {
    name,
    write: (event) => ({ ...event, metadata: { ...event.metadata, [name]: Object.keys(event.metadata).length } }),
    read(event) {
      const { [name]: count, ...metadata } = event.metadata
      expect(count).toBe(Object.keys(metadata).length)
      return { ...event, metadata }
    }
  }
}

interface Given {
  readonly holds?: 'data' | 'event'
  readonly eventStages?: readonly EventStage[]
  readonly contentStages?: readonly ContentStage[]
  readonly maxEventBytes?: number
}

function codecOf({ holds = 'data', eventStages = [], contentStages = [], maxEventBytes = 1_000_000 }: Given) {
  return stagedCodec({ holds, eventStages, contentStages, maxEventBytes })
}

function codeOf(work: () => unknown): string | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    return (error as EventSystemError).code
  }
}

const object = fc.dictionary(
  fc.string().filter((name) => !['$encoded', '__proto__', 'first', 'second'].includes(name) && !/_id$/.test(name)),
  fc.jsonValue({ maxDepth: 3 })
)
const contentStages = fc.shuffledSubarray([
  shifting('up', 3),
  shifting('far', 200),
  reversing(40),
  zstdStage(1_000_000)
])
const eventStages = fc.shuffledSubarray([marking('first'), marking('second')])

describe('a list of stages', () => {
  it('gives back any event, and names the stages that changed it in their order', () => {
    fc.assert(
      fc.property(
        object,
        object,
        fc.constantFrom('data' as const, 'event' as const),
        contentStages,
        eventStages,
        (data, metadata, holds, stages, ofEvents) => {
          const codec = codecOf({ holds, contentStages: stages, eventStages: ofEvents })
          const event = note(data, metadata)
          const stored = codec.encode(event)
          expect(codec.decode(stored)).toEqual(JSON.parse(JSON.stringify(event)))
          const { event_id, event_type, source } = JSON.parse(stored)
          expect([event_id, event_type, source]).toEqual([event.eventId, 'staged_note', 'desk'])
          const applied = stagesOf(stored)
          expect(applied).toEqual(stages.map(({ name }) => name).filter((name) => applied.includes(name)))
          for (const { name } of stages.filter(({ isOptional }) => !isOptional)) expect(applied).toContain(name)
        }
      ),
      { numRuns: 300 }
    )
  })

  it('without stages is the wire JSON, as it is where all stages left the content as it is or made it no smaller', () => {
    const event = note({ text: 'short' }, { desk: 1 })
    const stored = plainCodec.encode(event)
    for (const stages of [[], [reversing(1_000)], [reversing(1)], [zstdStage(1_000)]]) {
      const codec = codecOf({ holds: 'event', contentStages: stages })
      expect(codec.encode(event)).toBe(stored)
      expect(codec.writesWireJson).toBe(stages.length === 0)
    }
  })

  it('reads by the envelope alone: events of other lists, and plain ones', () => {
    const all = [shifting('up', 3), reversing(1), zstdStage(1_000_000)]
    const reader = codecOf({ contentStages: all.map(({ name, read }) => ({ name, read })), maxEventBytes: 10 })
    expect(reader.writesWireJson).toBe(true)
    const event = note({ text: 'again '.repeat(100) }, { desk: 1 })
    for (const stages of [[], all.slice(0, 1), all.slice(1), all.toReversed()]) {
      for (const holds of ['data', 'event'] as const) {
        expect(reader.decode(codecOf({ holds, contentStages: stages }).encode(event))).toEqual(event)
      }
    }
  })

  it('has the metadata in the clear unless they go through the stages', () => {
    const event = note({ a: 1 }, { desk: 'clear' })
    const stored = (holds: 'data' | 'event') => codecOf({ holds, contentStages: [shifting('up', 1)] }).encode(event)
    expect(JSON.parse(stored('data')).metadata).toEqual({ desk: 'clear' })
    expect(JSON.parse(stored('event')).metadata).toEqual({})
    expect([stored('data'), stored('event')].map((payload) => envelopeIn(payload)?.holds)).toEqual(['data', 'event'])
  })

  it('refuses an event that is larger than the maximum before any stage, and reads it', () => {
    const event = note({ text: 'again '.repeat(100) })
    const small = codecOf({ contentStages: [zstdStage(1_000_000)], maxEventBytes: 300 })
    expect(codeOf(() => small.encode(event))).toBe('payload_too_large')
    expect(small.decode(codecOf({ contentStages: [zstdStage(1_000_000)] }).encode(event))).toEqual(event)
  })
})

describe('a payload with an envelope', () => {
  const codec = codecOf({ contentStages: [shifting('up', 1), reversing(1)] })
  const payload = codec.encode(note({ a: 1 }))
  const stored = JSON.parse(payload)
  const changed = (change: Partial<StoredEnvelope>) => withEnvelope(payload, change)
  const contentOf = (text: string) =>
    Buffer.from(
      Buffer.from(text)
        .map((byte) => byte + 1)
        .toReversed()
    ).toString('base64url')
  const [up, reverse] = (envelopeIn(payload) as StoredEnvelope).stages as [{ name: string }, { name: string }]

  it('is read, and in another layout of the JSON', () => {
    expect(codec.decode(changed({})).data).toEqual({ a: 1 })
    expect(codec.decode(JSON.stringify(stored, null, 2)).data).toEqual({ a: 1 })
  })

  it.each([
    ['a stage that is not known here', { stages: [up, { name: 'brotli' }] }, /"brotli" is not known/],
    ['another version', { version: '2' }, /version 2, and 1 is known/],
    ['no version', { version: '' }, /no form/],
    ['a text beside the events', { holds: 'text' }, /must hold data or event, got text/],
    ['no stages', { stages: [] }, /no form/],
    ['a stage twice', { stages: [up, up] }, /names a stage twice/],
    ['a stage without a name', { stages: [{ name: '' }] }, /no form/],
    ['a parameter of other characters', { stages: [{ name: 'up', by: '"' }] }, /no form/],
    ['a head without an end', { stages: [{ name: 'up', by: '1'.repeat(1_000) }] }, /no form/]
  ])('is refused as unknown_encoding with %s', (_, change, sentence) => {
    const decode = () => codec.decode(changed(change))
    expect(decode).toThrow(sentence)
    expect(codeOf(decode)).toBe('unknown_encoding')
  })

  it.each(['mine', '', ';', '1;data;up'])('is refused as unknown_encoding where the reserved text is %j', (text) => {
    expect(codeOf(() => codec.decode(JSON.stringify({ ...stored, data: { $encoded: text } })))).toBe('unknown_encoding')
  })

  it.each([
    ['no JSON', '{"a"', 'invalid_json'],
    ['data that are no object', '[1]', 'invalid_event'],
    ['data that nest too deep', `{"a":${'['.repeat(200)}${']'.repeat(200)}}`, 'not_representable']
  ])('is refused as any event is, with %s inside', (_, text, code) => {
    expect(codeOf(() => codec.decode(changed({ stages: [up, reverse], content: contentOf(text) })))).toBe(code)
  })

  it.each([
    ['metadata that are none', '[{},5]', 'invalid_event'],
    ['data alone', '{}', 'unknown_encoding']
  ])('is refused where it holds data and metadata, with %s inside', (_, text, code) => {
    expect(codeOf(() => codec.decode(changed({ holds: 'event', content: contentOf(text) })))).toBe(code)
  })

  it('is plain where the reserved property is no text, and nobody can publish either', () => {
    const data = { $encoded: { of: 'another program' } }
    expect(codec.decode(JSON.stringify({ ...stored, data })).data).toEqual(data)
    for (const value of ['mine', {}, null]) {
      expect(codeOf(() => codec.encode(note({ $encoded: value })))).toBe('invalid_data')
    }
  })
})

describe('the preparation of stages', () => {
  it('is that of each stage that has one, and nothing where none has anything to fetch', async () => {
    const fetched: string[] = []
    const preparing = (name: string): ContentStage => ({
      ...shifting(name, 1),
      prepareWriting: (events) =>
        events.length === 0 ? undefined : Promise.resolve(void fetched.push(`write ${name}`)),
      prepareReading: (payloads) =>
        payloads.length === 0 ? undefined : Promise.resolve(void fetched.push(`read ${name}`)),
      isPrepared: (payload) => !payload.includes(name)
    })
    const codec = codecOf({ contentStages: [preparing('one'), shifting('none', 1), preparing('two')] })
    expect(codec.prepareEncoding?.([])).toBeUndefined()
    expect(codec.prepareDecoding?.([])).toBeUndefined()
    await codec.prepareEncoding?.([note({})])
    await codec.prepareDecoding?.([null])
    expect(fetched).toEqual(['write one', 'write two', 'read one', 'read two'])
    expect(['a one', 'a two', 'another'].map((payload) => codec.isPrepared?.(payload))).toEqual([false, false, true])
  })

  it('is none where no stage has one', () => {
    const { prepareEncoding, prepareDecoding, isPrepared } = plainCodec
    expect([prepareEncoding, prepareDecoding, isPrepared]).toEqual([undefined, undefined, undefined])
  })
})
