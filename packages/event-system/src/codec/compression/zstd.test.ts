import { randomBytes } from 'node:crypto'
import { zstdCompressSync } from 'node:zlib'
import { createEvent, type EventSystemError, registerEventType } from '@tradpal/events'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EnvelopeHead } from '../envelope.ts'
import { eventCodec, plainCodec } from '../event-codec.ts'
import { zstdStage } from './zstd.ts'

registerEventType({ name: 'packed_note', schema: { type: 'object' } })

const codec = eventCodec({ compression: 'zstd' })
const note = (data: object) => createEvent('packed_note' as string, data as never, { metadata: { desk: 'a' } as never })
const context = { event: note({}), head: new EnvelopeHead('data') }
const MIB = 1_048_576

function errorOf(work: () => unknown): EventSystemError | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    return error as EventSystemError
  }
}

/** An event whose content is given, as somebody else might write it. */
function payloadWith(content: Buffer): string {
  const { event_id, event_type, timestamp, source } = JSON.parse(plainCodec.encode(note({})))
  const data = { $encoded: `1;data;zstd;${content.toString('base64url')}` }
  return JSON.stringify({ event_id, event_type, timestamp, source, data })
}

describe('compression', () => {
  it('makes repetitive data smaller, with the metadata in the clear, and is read without the option', () => {
    const event = note({ rows: Array.from({ length: 100 }, (_, i) => ({ symbol: 'BTC/USDT', price: i })) })
    const [stored, plain] = [codec.encode(event), plainCodec.encode(event)]
    expect(stored.length).toBeLessThan(plain.length / 3)
    const data = { $encoded: expect.stringMatching(/^1;data;zstd;[\w-]+$/) }
    expect(JSON.parse(stored)).toMatchObject({ metadata: { desk: 'a' }, data })
    for (const reader of [codec, plainCodec]) expect(reader.decode(stored)).toEqual(event)
  })

  it('never makes an event larger: a small one, and one that cannot be compressed, is the wire JSON', () => {
    fc.assert(
      fc.property(fc.nat(2_000), fc.nat(2_000), (random, repeated) => {
        const event = note({ text: randomBytes(random).toString('base64') + 'x'.repeat(repeated) })
        const [stored, plain] = [codec.encode(event), plainCodec.encode(event)]
        expect(stored.length).toBeLessThanOrEqual(plain.length)
        expect(stored === plain || stored.includes(';zstd;')).toBe(true)
        expect(codec.decode(stored)).toEqual(event)
      })
    )
    for (const data of [{ text: 'x'.repeat(200) }, { text: randomBytes(3_000).toString('base64') }]) {
      const event = note(data)
      expect(codec.encode(event)).toBe(plainCodec.encode(event))
    }
  })

  it('has no use for content of which it saves less than its name takes', () => {
    const stage = zstdStage(MIB)
    expect(stage.write?.(randomBytes(1_000), context)).toBeUndefined()
    expect(stage.write?.(Buffer.from('x'.repeat(255)), context)).toBeUndefined()
    expect(stage.write?.(Buffer.from('x'.repeat(256)), context)?.head.stages).toEqual([{ name: 'zstd' }])
  })

  it('refuses a bomb, whatever it unpacks to, and reads what a process with a larger maximum wrote', () => {
    const json = (bytes: number) => Buffer.from(JSON.stringify({ text: 'x'.repeat(bytes - 11) }))
    for (const reader of [eventCodec({ maxEventBytes: 300 }), plainCodec]) {
      expect(errorOf(() => reader.decode(payloadWith(zstdCompressSync(json(4 * MIB)))))).toBeUndefined()
      for (const bytes of [4 * MIB + 1, 20 * MIB]) {
        const error = errorOf(() => reader.decode(payloadWith(zstdCompressSync(json(bytes)))))
        expect(error).toMatchObject({ code: 'payload_too_large', retryable: false })
        expect(error?.message).toMatch(/unpacks to more than 4194304 bytes/)
      }
    }
    const large = eventCodec({ maxEventBytes: 2 * MIB })
    expect(errorOf(() => large.decode(payloadWith(zstdCompressSync(json(8 * MIB)))))).toBeUndefined()
  })

  it('refuses a frame that asks its reader for much memory', () => {
    // The header of RFC 8878: magic number, descriptor without a content size, a window of 2^27 bytes; then an empty last block.
    const frame = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, (27 - 10) << 3, 0x01, 0x00, 0x00])
    expect(errorOf(() => plainCodec.decode(payloadWith(frame)))?.code).toBe('payload_too_large')
    frame[5] = (21 - 10) << 3
    // Within the limit it is an empty text, which is no JSON.
    expect(errorOf(() => plainCodec.decode(payloadWith(frame)))?.code).toBe('invalid_json')
  })

  it('refuses content that is no whole frame', () => {
    const frame = zstdCompressSync(Buffer.from(JSON.stringify({ text: 'again '.repeat(100) })))
    for (const content of [Buffer.from('{}'), Buffer.alloc(0), frame.subarray(0, -1), frame.subarray(1)]) {
      expect(errorOf(() => plainCodec.decode(payloadWith(content)))).toMatchObject({
        code: 'invalid_event',
        retryable: false
      })
    }
    expect(errorOf(() => plainCodec.decode(payloadWith(frame)))).toBeUndefined()
  })
})
