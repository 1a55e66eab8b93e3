import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FrameDecoder, LineDecoder } from './frames.ts'

const pieces = fc.array(fc.nat(400), { maxLength: 20 })

function cutAt(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...places.filter((place) => place < bytes.length).sort((x, y) => x - y), bytes.length]
  return ends.map((end, n) => bytes.subarray(n === 0 ? 0 : ends[n - 1], end))
}

describe('FrameDecoder', () => {
  it('reads the same frames wherever the bytes are cut, with each of the three line ends', () => {
    const frame = fc.record({ id: fc.nat().map((n) => `${n}-0`), data: fc.string({ unit: 'grapheme', minLength: 1 }) })
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 8 }),
        pieces,
        fc.constantFrom('\n', '\r\n', '\r'),
        (frames, places, end) => {
          const lines = frames.flatMap(({ id, data }) => [
            ': heartbeat',
            '',
            `id: ${id}`,
            `data: ${JSON.stringify(data)}`,
            ''
          ])
          // A last comment, since a carriage return is a whole line end only when no line feed follows.
          const bytes = new TextEncoder().encode([...lines, ':', ''].join(end))
          const decoder = new FrameDecoder()
          const read = cutAt(bytes, places).flatMap((piece) => decoder.feed(piece))
          expect(read.map(({ id, data }) => ({ id, data: JSON.parse(data) }))).toEqual(frames)
        }
      )
    )
  })

  it('gives up on a frame without an end', () => {
    const decoder = new FrameDecoder()
    const megabyte = new TextEncoder().encode('x'.repeat(1024 * 1024))
    const flood = () => {
      for (let n = 0; n < 17; n++) decoder.feed(megabyte)
    }
    expect(flood).toThrow(expect.objectContaining({ code: 'http_error' }))
  })
})

describe('LineDecoder', () => {
  it('reads the same lines wherever the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 8 }), pieces, (values, places) => {
        const lines = values.map((value) => JSON.stringify(value))
        const decoder = new LineDecoder()
        const read = cutAt(new TextEncoder().encode(lines.join('\n')), places).flatMap((piece) => decoder.feed(piece))
        expect([...read, decoder.end()].filter((line) => line !== '')).toEqual(lines)
      })
    )
  })

  it('gives up on a line without an end', () => {
    const decoder = new LineDecoder()
    const megabyte = new TextEncoder().encode('x'.repeat(1024 * 1024))
    const flood = () => {
      for (let n = 0; n < 17; n++) decoder.feed(megabyte)
    }
    expect(flood).toThrow(expect.objectContaining({ code: 'http_error' }))
  })
})
