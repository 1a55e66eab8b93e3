import { createSecretKey, randomBytes } from 'node:crypto'
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
import { plainCodec } from '../event-codec.ts'
import { DerivedKeys } from './derived-keys.ts'
import { encryptingCodec } from './encrypting-codec.ts'
import { Sealer } from './sealer.ts'

const keys = { old: newKey(), new: newKey() }
registerEventType({ name: 'vault_note', schema: { type: 'object' } })

function newKey() {
  return new DerivedKeys(createSecretKey(randomBytes(32)))
}

function codecWith(ids: readonly (keyof typeof keys)[], metadata = false, maxEventBytes = 1_000_000) {
  const ring = { current: ids[0] as string, keys: new Map(ids.map((id) => [id, keys[id]])) }
  return encryptingCodec({ sealer: new Sealer({ path: 'keys.json', ring }), metadata, maxEventBytes })
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
  fc.string().filter((name) => name !== '$encrypted' && name !== '__proto__' && !/_id$/.test(name)),
  fc.jsonValue({ maxDepth: 3 })
)

describe('an encrypted event', () => {
  it('is what was published, whatever it says, with its metadata inside or not', () => {
    const codecs = [codecWith(['new']), codecWith(['new'], true)]
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
    expect(open).toMatchObject({ ...event, data: { $encrypted: expect.stringMatching(/^1d\.new\./) } })
    const shut = codecWith(['new'], true).encode(event)
    expect(decodeEvent(shut)).toMatchObject({ eventId: event.eventId, source: 'desk', metadata: {} })
    expect(shut).not.toMatch(/marker/)
  })

  it('is read beside plain ones and those of other keys', () => {
    const event = note({ a: 1 })
    const codec = codecWith(['new', 'old'])
    for (const writer of [plainCodec, codecWith(['old']), codecWith(['new'], true)]) {
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

  it('cannot be read once any byte of its box was changed or cut off', () => {
    const codec = codecWith(['new'])
    const stored = codec.encode(note({ a: 1 }))
    const [head = '', box = ''] = /^(.*\.)([\w-]+)(?="})/.exec(stored)?.slice(1) ?? []
    const bytes = Buffer.from(box, 'base64url')
    const withBox = (changed: Buffer) => stored.replace(head + box, head + changed.toString('base64url'))
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

  it('cannot be read under the id of another key, another salt, or as something else', () => {
    const codec = codecWith(['new', 'old'])
    const stored = codec.encode(note({ a: 1 }))
    const [, salt = ''] = /new\.([\w-]+)\./.exec(stored) ?? []
    for (const changed of [
      stored.replace('1d.new', '1d.old'),
      stored.replace('1d.new', '1e.new'),
      stored.replace('1d.new', '9d.new'),
      stored.replace(salt, randomBytes(16).toString('base64url'))
    ]) {
      expect(codeOf(() => codec.decode(changed))).toBe('decryption_failed')
    }
  })

  it('never has the ciphertext of another that says the same', () => {
    const codec = codecWith(['new'])
    const event = note({ a: 1 })
    expect(new Set(Array.from({ length: 10_000 }, () => codec.encode(event))).size).toBe(10_000)
  })

  it('is refused where it is too large before it is encrypted, or where its data would be taken for encrypted', () => {
    const codec = codecWith(['new'], false, 300)
    expect(codeOf(() => codec.encode(note({ text: 'x'.repeat(100) })))).toBeUndefined()
    expect(codeOf(() => codec.encode(note({ text: 'x'.repeat(300) })))).toBe('payload_too_large')
    for (const one of [codec, plainCodec]) {
      expect(codeOf(() => one.encode(note({ $encrypted: 'mine' })))).toBe('invalid_data')
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
