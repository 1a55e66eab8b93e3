import { describe, expect, it } from 'vitest'
import { exactNumber, requiredNumber } from './numbers.ts'

describe('a text of a column that may be of numbers', () => {
  it.each<[text: string, value: number | bigint]>([
    ['0', 0],
    ['-5', -5],
    ['-0.0', 0],
    ['42283.58000000', 42283.58],
    ['9007199254740991', 9007199254740991],
    ['10996216051743211', 10996216051743211n],
    ['1700000000123456789', 1700000000123456789n],
    ['1e-05', 0.00001],
    ['1.5E+21', 1.5e21],
    ['0.1000000000000000055511151231257827', 0.1]
  ])('%s is a number', (text, value) => {
    expect(exactNumber(text)).toBe(value)
  })

  it.each([
    '000123',
    '73928e03',
    '94321.123456789012345678',
    '1e5',
    '+5',
    '.5',
    '5.',
    '1,5',
    '1E400',
    'NaN',
    '0x10',
    ''
  ])('%j stays text', (text) => {
    expect(exactNumber(text)).toBeUndefined()
  })
})

describe('a text where a number is required', () => {
  it.each<[text: string, value: number | bigint]>([
    ['1e6', 1_000_000],
    ['007.50', 7.5],
    ['+5', 5],
    ['.5', 0.5],
    ['5.', 5],
    ['-00', 0],
    ['10996216051743211', 10996216051743211n]
  ])('%s is a number', (text, value) => {
    expect(requiredNumber(text)).toBe(value)
  })

  it.each(['', '1,234', 'N/A', '.', '-', 'Infinity'])('%j is none', (text) => {
    expect(requiredNumber(text)).toBeUndefined()
  })

  it.each(['94321.123456789012345678', '1E400', '1e999'])('%s is refused, as it would be changed', (text) => {
    expect(() => requiredNumber(text)).toThrow(/would change/)
  })
})
