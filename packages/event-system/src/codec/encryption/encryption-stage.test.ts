import { createSecretKey, randomBytes } from 'node:crypto'
import { zstdCompressSync } from 'node:zlib'
import {
  createEvent,
  decodeEvent,
  type Event,
  type EventSystemError,
  encodeEvent,
  registerEventType
} from '@tradpal/events'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { envelopeIn, type StoredEnvelope, withEnvelope } from '../../../test/support/envelope.ts'
import { type Compression, eventCodec, plainCodec } from '../event-codec.ts'
import { DerivedKeys } from './derived-keys.ts'
import { encryptionStage } from './encryption-stage.ts'
import { Sealer } from './sealer.ts'

const keys = { old: newKey(), new: newKey() }
registerEventType({ name: 'vault_note', schema: { type: 'object' } })

function newKey() {
  return new DerivedKeys(createSecretKey(randomBytes(32)))
}

interface Given {
  readonly hidesMetadata?: boolean
  readonly maxEventBytes?: number
  readonly compression?: Compression
}

function codecWith(ids: readonly (keyof typeof keys)[], { hidesMetadata = false, ...given }: Given = {}) {
  const ring = { current: ids[0] as string, keys: new Map(ids.map((id) => [id, keys[id]])) }
  const stage = encryptionStage({ sealer: new Sealer({ path: 'keys.json', ring }) })
  return eventCodec({ encryption: { stage, hidesMetadata }, ...given })
}

type Stage = StoredEnvelope['stages'][number]

function envelopeOf(payload: string): StoredEnvelope {
  return envelopeIn(payload) as StoredEnvelope
}

function note(data: object, metadata: object = {}): Event {
  return createEvent('vault_note' as string, data as never, { source: 'desk', metadata: metadata as never })
}

function codeOf(work: () => unknown): string | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    return (error as EventSystemError).code
  }
}

const payload = fc.dictionary(
  fc.string().filter((name) => name !== '$encoded' && name !== '__proto__' && !/_id$/.test(name)),
  fc.jsonValue({ maxDepth: 3 })
)

describe('an encrypted event', () => {
  it('is what was published, whatever it says, with its metadata inside or not', () => {
    const codecs = [
      codecWith(['new']),
      codecWith(['new'], { hidesMetadata: true }),
      codecWith(['new'], { compression: 'zstd' })
    ]
    fc.assert(
      fc.property(payload, payload, fc.constantFrom(...codecs), (data, metadata, codec) => {
        const event = note(data, metadata)
        expect(codec.decode(codec.encode(event))).toEqual(JSON.parse(JSON.stringify(event)))
      }),
      { numRuns: 200 }
    )
  })

  it('is a wire event that says in the clear what it is, and nothing of what it holds', () => {
    const event = note({ secret: 'marker-1' }, { desk: 'marker-2' })
    const open = decodeEvent(codecWith(['new']).encode(event))
    const stage = { name: 'aes-256-gcm', key: 'new', salt: expect.stringMatching(/^[\w-]{22}$/) }
    const envelope = { version: '1', holds: 'data', stages: [stage], content: expect.stringMatching(/^[\w-]+$/) }
    expect(open).toEqual({ ...event, data: { $encoded: expect.any(String) } })
    expect(envelopeOf(encodeEvent(open))).toEqual(envelope)
    const shut = codecWith(['new'], { hidesMetadata: true }).encode(event)
    expect(envelopeOf(shut)).toEqual({ ...envelope, holds: 'event' })
    expect(decodeEvent(shut)).toMatchObject({ eventId: event.eventId, source: 'desk', metadata: {} })
    expect(shut).not.toMatch(/marker/)
  })

  it('is read beside plain ones and those of other keys', () => {
    const event = note({ a: 1 })
    const codec = codecWith(['new', 'old'])
    for (const writer of [plainCodec, codecWith(['old']), codecWith(['new'], { hidesMetadata: true })]) {
      expect(codec.decode(writer.encode(event))).toEqual(event)
    }
  })

  it('cannot be read without its key, which is named, with other keys or with none', () => {
    const stored = codecWith(['old']).encode(note({ a: 1 }))
    for (const codec of [codecWith(['new']), plainCodec]) {
      expect(() => codec.decode(stored)).toThrow(
        expect.objectContaining({ code: 'key_missing', retryable: true, message: expect.stringContaining('"old"') })
      )
    }
  })

  it('cannot be read once any byte of its content was changed or cut off', () => {
    const codec = codecWith(['new'], { compression: 'zstd' })
    const stored = codec.encode(note({ text: 'again '.repeat(100) }))
    expect(envelopeOf(stored).stages).toMatchObject([{ name: 'zstd' }, { name: 'aes-256-gcm' }])
    const bytes = Buffer.from(envelopeOf(stored).content, 'base64url')
    const withBox = (changed: Buffer) => withEnvelope(stored, { content: changed.toString('base64url') })
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, bits) => {
        const flipped = Buffer.from(bytes)
        flipped[at] = (flipped[at] as number) ^ bits
        expect(codeOf(() => codec.decode(withBox(flipped)))).toBe('decryption_failed')
        expect(codeOf(() => codec.decode(withBox(bytes.subarray(0, at))))).toBe('decryption_failed')
      })
    )
    expect(codeOf(() => codec.decode(withBox(bytes)))).toBeUndefined()
  })

  it.each([
    ['event', (event: Event) => ({ ...event, eventId: 'another' })],
    ['type', (event: Event) => ({ ...event, eventType: 'system_health' })]
  ])('cannot be read in the place of another %s', (_, moved) => {
    const codec = codecWith(['new'])
    const stored = decodeEvent(codec.encode(note({ a: 1 })))
    expect(codeOf(() => codec.decode(encodeEvent(moved(stored))))).toBe('decryption_failed')
    expect(codeOf(() => codec.decode(encodeEvent(stored)))).toBeUndefined()
  })

  it('cannot be read once anything of the head of its envelope was changed', () => {
    const codec = codecWith(['new', 'old'], { compression: 'zstd' })
    const [small, large] = [codec.encode(note({ a: 1 })), codec.encode(note({ text: 'again '.repeat(100) }))]
    const [zstd, aes] = envelopeOf(large).stages as [Stage, Stage]
    const [alone] = envelopeOf(small).stages as [Stage]
    const salt = randomBytes(16).toString('base64url')
    for (const [stored, change] of [
      [small, { holds: 'event' }],
      [small, { stages: [{ ...alone, key: 'old' }] }],
      [small, { stages: [{ ...alone, salt }] }],
      [small, { stages: [{ ...alone, subject: 'new' }] }],
      [small, { stages: [{ ...alone, more: '' }] }],
      [small, { stages: [{ name: alone.name, salt: alone.salt ?? '' }] }],
      [small, { stages: [{ ...alone, salt: 'x'.repeat(65) }] }],
      [small, { stages: [zstd, alone] }],
      [large, { stages: [aes] }],
      [large, { stages: [{ ...zstd, level: '3' }, aes] }]
    ] as const) {
      expect(codeOf(() => codec.decode(withEnvelope(stored, change)))).toBe('decryption_failed')
    }
    for (const stored of [small, large]) expect(codeOf(() => codec.decode(withEnvelope(stored, {})))).toBeUndefined()
  })

  it('cannot be read with a stage added behind its encryption, or without that', () => {
    const codec = codecWith(['new'], { compression: 'zstd' })
    const stored = codec.encode(note({ text: 'again '.repeat(100) }))
    const { stages, content } = envelopeOf(stored)
    const [zstd, aes] = stages as [Stage, Stage]
    const packed = zstdCompressSync(Buffer.from(content, 'base64url')).toString('base64url')
    const small = codec.encode(note({ a: 1 }))
    const packedSmall = zstdCompressSync(Buffer.from(envelopeOf(small).content, 'base64url')).toString('base64url')
    const appended = { stages: [...envelopeOf(small).stages, zstd], content: packedSmall }
    expect(codeOf(() => codec.decode(withEnvelope(small, appended)))).toBe('decryption_failed')
    expect(codeOf(() => codec.decode(withEnvelope(stored, { stages: [aes, zstd], content: packed })))).toBe(
      'decryption_failed'
    )
    expect(codeOf(() => codec.decode(withEnvelope(stored, { stages: [zstd] })))).toBe('invalid_event')
  })

  it('never has the ciphertext of another that says the same', () => {
    const codec = codecWith(['new'])
    const event = note({ a: 1 })
    expect(new Set(Array.from({ length: 10_000 }, () => codec.encode(event))).size).toBe(10_000)
  })

  it('is refused where it is too large before it is encrypted, or where its data would be taken for an envelope', () => {
    const codec = codecWith(['new'], { maxEventBytes: 300 })
    expect(codeOf(() => codec.encode(note({ text: 'x'.repeat(100) })))).toBeUndefined()
    expect(codeOf(() => codec.encode(note({ text: 'x'.repeat(300) })))).toBe('payload_too_large')
    for (const one of [codec, plainCodec]) {
      expect(codeOf(() => one.encode(note({ $encoded: 'mine' })))).toBe('invalid_data')
    }
  })
})

describe('the derived keys of a ring', () => {
  it('are another for each writer, and open what any of them sealed', () => {
    const master = createSecretKey(randomBytes(32))
    const writers = Array.from({ length: 3 }, () => new DerivedKeys(master))
    expect(new Set(writers.map((writer) => writer.next().salt)).size).toBe(3)
    const reader = new DerivedKeys(master)
    for (const { salt, key } of writers.map((writer) => writer.next())) {
      expect(reader.ofSalt(salt).equals(key)).toBe(true)
    }
  })
})
