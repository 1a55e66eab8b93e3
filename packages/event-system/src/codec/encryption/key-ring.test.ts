import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { parseKeyRing } from './key-ring.ts'

const KEY = randomBytes(32).toString('base64')
const ring = (change: object) => JSON.stringify({ current: 'a', keys: { a: KEY }, ...change })

it('is read as it was written', () => {
  expect(parseKeyRing(ring({}))).toEqual({ current: 'a', keys: { a: KEY } })
})

it.each([
  ['no JSON', `{"current": "a", "keys": {"a": "${KEY}"`, /not JSON/],
  ['another form', JSON.stringify([KEY]), /must have the form/],
  ['no current key', ring({ current: 'b' }), /not among the keys/],
  ['the key where its id belongs', ring({ current: KEY }), /not among the keys/],
  ['another property', ring({ [KEY]: 1 }), /1 properties beside/],
  ['a key that is too short', ring({ keys: { a: KEY.slice(4) } }), /The key a must be the base64 of 32/],
  ['a key that is no base64', ring({ keys: { a: `${KEY.slice(0, -2)}!=` } }), /The key a must be/],
  ['an id that is a key', ring({ keys: { [KEY]: KEY } }), /The id of a key must be/],
  ['an id with a dot', ring({ keys: { 'a.b': KEY } }), /The id of a key must be/]
])('is refused with %s, in a sentence without a key in it', (_, text, sentence) => {
  expect(() => parseKeyRing(text)).toThrow(sentence)
  expect(() => parseKeyRing(text)).not.toThrow(KEY.slice(4, 30))
})
