import fc from 'fast-check'
import { expect, it } from 'vitest'
import { printable, printableJson, printableLines } from './terminal-text.ts'

const CONTROLS = [...Array(0x20).keys(), ...Array.from({ length: 0x21 }, (_, i) => 0x7f + i)]
const SEPARATORS = [0x2028, 0x2029]
const BIDIRECTIONAL = [0x061c, 0x200e, 0x200f, ...range(0x202a, 0x202e), ...range(0x2066, 0x2069)]
const ALL = [...CONTROLS, ...SEPARATORS, ...BIDIRECTIONAL].map((code) => String.fromCharCode(code))

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}

it.each(ALL.map((character) => [character.charCodeAt(0).toString(16).padStart(4, '0'), character]))(
  'U+%s is shown as its escape',
  (code, character) => {
    expect(printable(`a${character}b`)).toBe(`a\\u${code}b`)
  }
)

it('other characters are shown as they are, those of right-to-left scripts and emoji included', () => {
  for (const text of ['BTC/USDT', 'שלום', 'مرحبا', 'Zürich €', '👩‍👩‍👧', '\\u001b']) expect(printable(text)).toBe(text)
})

it('a text of several lines keeps its lines, and nothing else that steers', () => {
  expect(printableLines('a\n\u001b[2Jb\r\n\u202ec')).toBe('a\n\\u001b[2Jb\\u000d\n\\u202ec')
})

it('JSON parses to the same value, and holds no character that steers', () => {
  const text = fc.array(fc.oneof(fc.constantFrom(...ALL), fc.string({ unit: 'binary' }))).map((parts) => parts.join(''))
  fc.assert(
    fc.property(fc.dictionary(text, fc.oneof(text, fc.double({ noNaN: true }), fc.array(text))), (value) => {
      const json = printableJson(value)
      expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(value)))
      for (const character of ALL) expect(json).not.toContain(character)
    })
  )
})
