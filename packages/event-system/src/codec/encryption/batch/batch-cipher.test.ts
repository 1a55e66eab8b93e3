import { createCipheriv, createSecretKey, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { open } from '../cipher.ts'
import { BatchCipher, MOST_ABOUT, MOST_AT_ONCE, MOST_CHARACTERS } from './batch-cipher.ts'
import type { Sealable } from './lanes.ts'

const key = createSecretKey(randomBytes(32))
const other = createSecretKey(randomBytes(32))
const cipher = new BatchCipher()

/** What OpenSSL's own cipher makes of it with the IV of a box. */
function boxOfOpenSsl({ about, text }: Sealable, box: string): string {
  const iv = Buffer.from(box, 'base64url').subarray(0, 12)
  const one = createCipheriv('aes-256-gcm', key, iv)
  one.setAAD(Buffer.from(about))
  return Buffer.concat([iv, one.update(text, 'utf8'), one.final(), one.getAuthTag()]).toString('base64url')
}

/** Of every length, and of characters of one to four bytes. */
const textOf = (maxLength: number) =>
  fc.oneof(
    fc.string({ unit: 'binary', maxLength: maxLength / 2 }),
    fc.string({ unit: 'binary-ascii', maxLength, size: 'max' }),
    fc.constantFrom('', 'x'.repeat(16), '\u20ac'.repeat(maxLength), 'x'.repeat(maxLength))
  )
const sealable: fc.Arbitrary<Sealable> = fc.record({ about: textOf(MOST_ABOUT), text: textOf(MOST_CHARACTERS) })

describe('a cipher for many texts at once', () => {
  it('makes of each, byte for byte, what OpenSSL does by itself, whatever it and its neighbours are', () => {
    fc.assert(
      fc.property(fc.array(sealable, { minLength: 1, maxLength: MOST_AT_ONCE, size: 'max' }), (all) => {
        const boxes = cipher.seal(key, all)
        expect(boxes).toEqual(all.map((one, i) => boxOfOpenSsl(one, boxes[i] as string)))
        expect(boxes.map((box, i) => open(key, (all[i] as Sealable).about, box))).toEqual(all.map(({ text }) => text))
      })
    )
  })

  it.each([
    { about: '', text: '' },
    { about: '', text: 'a secret' },
    { about: 'it', text: '' }
  ])('needs neither a text nor what it is about: $about, $text', (one) => {
    const [box = ''] = cipher.seal(key, [one])
    expect(box).toBe(boxOfOpenSsl(one, box))
  })

  it('has room for as many of the longest as it takes', () => {
    const longest = { about: '\u20ac'.repeat(MOST_ABOUT), text: '\u20ac'.repeat(MOST_CHARACTERS) }
    const all = Array.from({ length: MOST_AT_ONCE }, () => longest)
    const boxes = cipher.seal(key, all)
    expect(boxes).toEqual(boxes.map((box) => boxOfOpenSsl(longest, box)))
  })

  it('seals with the key that it is given, whichever came before', () => {
    const all = [{ about: 'it', text: 'a secret' }]
    for (const by of [key, other, key]) expect(open(by, 'it', cipher.seal(by, all)[0] as string)).toBe('a secret')
  })

  it('uses an IV once', () => {
    const all = Array.from({ length: MOST_AT_ONCE }, () => ({ about: 'it', text: 'the same' }))
    const ivs = Array.from({ length: 100 }, () => cipher.seal(key, all))
      .flat()
      .map((box) => box.slice(0, 16))
    expect(new Set(ivs).size).toBe(100 * MOST_AT_ONCE)
  })

  it('makes what opens with its key alone, about nothing else, and unchanged', () => {
    const [box = ''] = cipher.seal(key, [{ about: 'it', text: 'a secret' }])
    expect(open(key, 'it', box)).toBe('a secret')
    expect(() => open(other, 'it', box)).toThrow()
    expect(() => open(key, 'that', box)).toThrow()
    for (const at of [0, 16, 24, box.length - 1]) {
      const changed = box.slice(0, at) + (box[at] === 'A' ? 'Q' : 'A') + box.slice(at + 1)
      expect(() => open(key, 'it', changed)).toThrow()
    }
  })
})
