import { describe, expect, test } from 'vitest'
import type { JsonObject } from './json-value.ts'
import { compareSchemas } from './schema-compatibility.ts'
import { eventSchemas } from './schemas/index.ts'

const of = (a: object, more: object = {}) => ({ type: 'object', properties: { a }, ...more }) as JsonObject
const YES = 'compatible'
const NO = 'incompatible'
const UNKNOWN = 'unknown'

describe('two schemas', () => {
  test.each<[what: string, old: JsonObject, next: JsonObject, backward: string, forward: string]>([
    ['the same', of({ type: 'string' }), of({ type: 'string' }), YES, YES],
    [
      'another description',
      of({ type: 'string' }),
      of({ type: 'string', description: 'A', 'x-guarded': 'text' }),
      YES,
      YES
    ],
    ['a further field', { type: 'object' }, of({ type: 'string' }), YES, YES],
    [
      'a further field of a closed object',
      of({}, { additionalProperties: false }),
      { type: 'object', properties: { a: {}, b: { type: 'string' } }, additionalProperties: false },
      YES,
      NO
    ],
    [
      'a further field where others are typed',
      { additionalProperties: { type: 'string' } },
      { properties: { a: { type: 'number' } }, additionalProperties: { type: 'string' } },
      NO,
      NO
    ],
    ['a field that becomes required', of({}), of({}, { required: ['a'] }), NO, YES],
    ['a field that is required no more', of({}, { required: ['a'] }), of({}), YES, NO],
    ['a wider type', of({ type: 'string' }), of({ type: ['string', 'null'] }), YES, NO],
    ['an integer that becomes a number', of({ type: 'integer' }), of({ type: 'number' }), YES, NO],
    ['another type', of({ type: 'string' }), of({ type: 'number' }), NO, NO],
    ['a type where there was none', of({}), of({ type: 'string' }), NO, YES],
    ['a type where an enum said it', of({ enum: ['a'] }), of({ type: 'string', enum: ['a'] }), YES, YES],
    ['a further value', of({ enum: ['a'] }), of({ enum: ['a', 'b'] }), YES, NO],
    ['another value', of({ enum: ['a'] }), of({ enum: ['b'] }), NO, NO],
    ['an enum where there was none', of({ type: 'string' }), of({ type: 'string', enum: ['a'] }), NO, YES],
    ['a lower minimum', of({ type: 'number', minimum: 1 }), of({ type: 'number', minimum: 0 }), YES, NO],
    ['a minimum where there was none', of({ type: 'number' }), of({ type: 'number', minimum: 0 }), NO, YES],
    [
      'a minimum that excludes itself',
      of({ type: 'number', minimum: 0 }),
      of({ type: 'number', exclusiveMinimum: 0 }),
      NO,
      YES
    ],
    [
      'a minimum below one that excludes itself',
      of({ type: 'number', exclusiveMinimum: 0 }),
      of({ type: 'number', minimum: -1 }),
      YES,
      NO
    ],
    ['a lower maximum', of({ type: 'number', maximum: 2 }), of({ type: 'number', maximum: 1 }), NO, YES],
    [
      'a maximum that excludes itself',
      of({ type: 'number', maximum: 2 }),
      of({ type: 'number', exclusiveMaximum: 3 }),
      YES,
      NO
    ],
    ['a longer text', of({ type: 'string', maxLength: 5 }), of({ type: 'string', maxLength: 6 }), YES, NO],
    ['a length of what is no text', of({ type: 'number' }), of({ type: 'number', minLength: 1 }), YES, YES],
    ['more items', of({ type: 'array', minItems: 1 }), of({ type: 'array', minItems: 2 }), NO, YES],
    [
      'items of another type',
      of({ type: 'array', items: { type: 'string' } }),
      of({ type: 'array', items: { type: 'number' } }),
      NO,
      NO
    ],
    ['an object that is closed', of({}), of({}, { additionalProperties: false }), NO, YES],
    ['an object whose further fields are typed', of({}), of({}, { additionalProperties: { type: 'string' } }), NO, YES],
    ['a field of a field', of(of({ type: 'string' })), of(of({ type: 'number' })), NO, NO],
    ['a pattern', of({ type: 'string' }), of({ type: 'string', pattern: 'a' }), UNKNOWN, UNKNOWN],
    ['the same pattern', of({ pattern: 'a' }), of({ pattern: 'a' }), YES, YES],
    [
      'what a reference leads to',
      of({ $ref: '#/$defs/a' }, { $defs: { a: { type: 'string' } } }),
      of({ $ref: '#/$defs/a' }, { $defs: { a: {} } }),
      UNKNOWN,
      UNKNOWN
    ],
    [
      'a pattern, beside a field that becomes required',
      of({ pattern: 'a' }),
      of({ pattern: 'b' }, { required: ['a'] }),
      NO,
      UNKNOWN
    ],
    [
      'items as a list, as older drafts have them',
      of({ type: 'array', items: {} }),
      of({ type: 'array', items: [{}] }),
      UNKNOWN,
      UNKNOWN
    ],
    [
      'a bound that is true, as older drafts have it',
      of({ type: 'number', exclusiveMinimum: 0 }),
      of({ type: 'number', exclusiveMinimum: true }),
      UNKNOWN,
      UNKNOWN
    ]
  ])('that differ by %s are told apart in both directions', (_, old, next, backward, forward) => {
    expect(compareSchemas(old, next)).toMatchObject({ backward, forward })
    expect(compareSchemas(next, old)).toMatchObject({ backward: forward, forward: backward })
  })

  test.each(Object.entries(eventSchemas))('%s is compatible with itself', (_, schema) => {
    expect(compareSchemas({ ...schema }, { ...schema })).toEqual({
      backward: YES,
      forward: YES,
      differences: []
    })
  })

  test('say where they differ, and how', () => {
    const { differences } = compareSchemas(
      of({ type: 'number', minimum: 0 }),
      of({ type: 'number', minimum: 1 }, { required: ['a'] })
    )
    expect(differences).toEqual([
      {
        direction: 'backward',
        compatibility: 'incompatible',
        pointer: '/required',
        message: 'a is required, and may be missing.'
      },
      {
        direction: 'backward',
        compatibility: 'incompatible',
        pointer: '/properties/a/minimum',
        message: 'minimum is 1, and less may come.'
      }
    ])
  })
})
