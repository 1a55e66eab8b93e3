import { expect, expectTypeOf, test } from 'vitest'
import { createEvent, defineEventType, type EventData, type JsonObject, type JsonValue } from '../src/index.ts'

test('a union is told apart by its constant', () => {
  const quote = defineEventType({
    name: 'quote_of_union',
    schema: {
      type: 'object',
      oneOf: [
        { required: ['kind'], properties: { kind: { const: 'bid' }, bid: { type: 'number' } } },
        { required: ['kind'], properties: { kind: { const: 'ask' }, ask: { type: 'number' } } }
      ]
    }
  })
  const priceOf = (data: EventData<typeof quote>) => (data.kind === 'bid' ? data.bid : data.ask)
  expectTypeOf(priceOf).returns.toEqualTypeOf<number | undefined>()
  expect(priceOf(createEvent(quote, { kind: 'ask', ask: 7 }).data)).toBe(7)
  // @ts-expect-error a bid has no ask
  expect(createEvent(quote, { kind: 'bid', ask: 7 }).data).toEqual({ kind: 'bid', ask: 7 })
})

test('a $ref has what the schema says in that place, also where it leads back to itself', () => {
  const tree = defineEventType({
    name: 'tree_of_references',
    schema: {
      type: 'object',
      required: ['root'],
      properties: { root: { $ref: '#/$defs/node' }, parent: { $ref: '#' }, far: { $ref: '#/properties/root' } },
      $defs: {
        node: {
          type: 'object',
          required: ['name'],
          properties: { name: { type: 'string' }, children: { type: 'array', items: { $ref: '#/$defs/node' } } }
        }
      }
    }
  })
  const { data } = createEvent(tree, { root: { name: 'a', children: [{ name: 'b' }] } })
  expectTypeOf(data.root.children?.[0]?.children?.[0]?.name).toEqualTypeOf<string | undefined>()
  expectTypeOf(data.parent?.parent?.root.name).toEqualTypeOf<string | undefined>()
  expectTypeOf(data.far).toEqualTypeOf<JsonValue | undefined>()
  expect(data.root.children?.[0]?.name).toBe('b')
})

test('allOf has the fields of each, also of a part that leads back to the whole', () => {
  const knot = defineEventType({
    name: 'knot_of_references',
    schema: {
      type: 'object',
      allOf: [{ $ref: '#/$defs/a' }, { $ref: '#/$defs/b' }],
      $defs: {
        a: { type: 'object', properties: { self: { $ref: '#' } } },
        b: { allOf: [{ $ref: '#/$defs/a' }], required: ['text'], properties: { text: { type: 'string' } } }
      }
    }
  })
  const { data } = createEvent(knot, { text: 'outer', self: { text: 'inner' } })
  expectTypeOf(data.text).toEqualTypeOf<string>()
  expectTypeOf(data.self?.self?.text).toEqualTypeOf<string | undefined>()
  expect(data.self?.text).toBe('inner')
})

test('anyOf says which fields must be there', () => {
  const either = defineEventType({
    name: 'either_is_required',
    schema: {
      type: 'object',
      properties: { order_id: { type: 'string' }, client_id: { type: 'string' } },
      anyOf: [{ required: ['order_id'] }, { required: ['client_id'] }]
    }
  })
  // @ts-expect-error one of the two must be there
  expect(() => createEvent(either, {})).toThrow('is missing')
  expect(createEvent(either, { client_id: 'c' }).data).toEqual({ client_id: 'c' })
})

test('arrays, tuples, records and open objects have what their keywords say', () => {
  const lists = defineEventType({
    name: 'lists_and_records',
    schema: {
      type: 'object',
      properties: {
        level: { type: 'array', prefixItems: [{ type: 'number' }, { type: 'string' }], items: false },
        open: { type: 'array', prefixItems: [{ type: 'number' }] },
        positions: { type: 'object', additionalProperties: { type: 'number' } },
        extra: { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: true },
        either: { type: ['object', 'null'] },
        untyped: { properties: { a: { type: 'string' } } }
      }
    }
  })
  type Data = EventData<typeof lists>
  expectTypeOf<Data['level']>().toEqualTypeOf<readonly [number?, string?] | undefined>()
  expectTypeOf<Data['open']>().toEqualTypeOf<readonly [number?, ...JsonValue[]] | undefined>()
  expectTypeOf<NonNullable<Data['positions']>>().toEqualTypeOf<{ readonly [key: string]: number }>()
  expectTypeOf<NonNullable<Data['extra']>['a']>().toEqualTypeOf<string | undefined>()
  expectTypeOf<NonNullable<Data['extra']>['other']>().toEqualTypeOf<JsonValue | undefined>()
  expectTypeOf<Data['either']>().toEqualTypeOf<JsonObject | null | undefined>()
  expectTypeOf<NonNullable<Data['untyped']>['a']>().toEqualTypeOf<string | undefined>()
  expect(createEvent(lists, { level: [1, 'a'], positions: { AAPL: 3 }, extra: { other: 1 } }).data.level?.[0]).toBe(1)
})

test('a schema may require more fields than the compiler recurses over', () => {
  const wide = defineEventType({
    name: 'wide_schema',
    schema: {
      type: 'object',
      // biome-ignore format: what only has to be long stands in few lines
      required: [
        'a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7', 'a8', 'a9', 'b0', 'b1', 'b2', 'b3', 'b4', 'b5', 'b6', 'b7', 'b8', 'b9',
        'c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7', 'c8', 'c9', 'd0', 'd1', 'd2', 'd3', 'd4', 'd5', 'd6', 'd7', 'd8', 'd9',
        'e0', 'e1', 'e2', 'e3', 'e4', 'e5', 'e6', 'e7', 'e8', 'e9', 'f0', 'f1', 'f2', 'f3', 'f4', 'f5', 'f6', 'f7', 'f8', 'f9'
      ],
      properties: { a0: { type: 'string' }, more: { enum: ['yes', 'no'] } }
    }
  })
  expectTypeOf<EventData<typeof wide>['a0']>().toEqualTypeOf<string>()
  expectTypeOf<EventData<typeof wide>['f9']>().toEqualTypeOf<JsonValue>()
  expectTypeOf<EventData<typeof wide>['more']>().toEqualTypeOf<'yes' | 'no' | undefined>()
  // @ts-expect-error the other fields are missing
  expect(() => createEvent(wide, { a0: 'x' })).toThrow('is missing')
})
