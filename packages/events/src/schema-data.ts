import type { JsonObject, JsonValue } from './json-value.ts'

/**
 * What a JSON Schema allows, as the compiler reads it from a literal: `type`, `properties`, `required`, `additionalProperties`, `items`,
 * `prefixItems`, `enum`, `const`, `anyOf`, `oneOf`, `allOf`, and a `$ref` to `#`, `#/$defs/…` or `#/definitions/…`. What a schema leaves
 * open is any JSON. It names no type of the library that validates: programs would compile all declarations of that library, for seconds.
 */
export type DataOf<Schema> = ObjectIn<Shape<Schema, Schema>>

type ObjectIn<Data> = unknown extends Data
  ? JsonObject
  : Data extends readonly unknown[]
    ? JsonObject
    : Data extends object
      ? Flat<Data>
      : JsonObject

/** What one schema of `Root` allows, and `unknown` where it says nothing. */
type Shape<Schema, Root> = Schema extends object
  ? Own<Schema, Root> & Either<Schema, Root> & All<Schema, Root>
  : unknown

/** One object in the place of an intersection, so that editors show its fields. */
type Flat<Value> = Value extends readonly unknown[]
  ? Value
  : Value extends object
    ? { readonly [Key in keyof Value]: Value[Key] }
    : Value

type ValueOf<Schema, Root> =
  Shape<Schema, Root> extends infer Found
    ? unknown extends Found
      ? Schema extends { readonly type: infer Names }
        ? Open<Each<Names>>
        : JsonValue
      : Flat<Found>
    : never

/** What the keywords beside `anyOf`, `oneOf` and `allOf` say. */
type Own<Schema, Root> = Schema extends { readonly const: infer Value }
  ? Value
  : Schema extends { readonly enum: infer Values extends readonly unknown[] }
    ? Values[number]
    : Schema extends { readonly $ref: infer Reference }
      ? Shape<Target<Reference, Root>, Root>
      : Schema extends { readonly type: infer Names }
        ? OfType<Each<Names>, Schema, Root>
        : Schema extends { readonly properties: object } | { readonly required: readonly string[] }
          ? Members<Schema, Root>
          : unknown

type Either<Schema, Root> = (Schema extends { readonly anyOf: infer List extends readonly unknown[] }
  ? Shape<List[number], Root>
  : unknown) &
  (Schema extends { readonly oneOf: infer List extends readonly unknown[] } ? Shape<List[number], Root> : unknown)

type All<Schema, Root> = Schema extends { readonly allOf: infer List extends readonly unknown[] }
  ? AllOf<List, Root>
  : unknown

type AllOf<List extends readonly unknown[], Root, Sum = unknown> = List extends readonly [infer First, ...infer Rest]
  ? AllOf<Rest, Root, Sum & Shape<First, Root>>
  : Sum

type Target<Reference, Root> = Reference extends '#'
  ? Root
  : Reference extends `#/${infer Place extends '$defs' | 'definitions'}/${infer Name}`
    ? Root extends { readonly [P in Place]: { readonly [N in Name]: infer Schema } }
      ? Schema
      : unknown
    : unknown

type Each<Names> = Names extends readonly unknown[] ? Names[number] : Names

type OfType<Name, Schema, Root> = Name extends 'object'
  ? Schema extends { readonly properties: object } | { readonly required: readonly string[] }
    ? Members<Schema, Root>
    : Schema extends { readonly additionalProperties: infer Values extends object }
      ? { readonly [key: string]: ValueOf<Values, Root> }
      : Bare<Name, Schema>
  : Name extends 'array'
    ? Schema extends { readonly prefixItems: infer First extends readonly unknown[] }
      ? readonly [...Leading<First, Root>, ...Items<Schema, Root>]
      : Schema extends { readonly items: unknown }
        ? Items<Schema, Root>
        : Bare<Name, Schema>
    : Open<Name>

/** A type alone must not widen what the schemas beside it say. */
type Bare<Name, Schema> = Schema extends
  | { readonly anyOf: unknown }
  | { readonly oneOf: unknown }
  | { readonly allOf: unknown }
  ? unknown
  : Open<Name>

type Open<Name> = Name extends 'object'
  ? JsonObject
  : Name extends 'array'
    ? readonly JsonValue[]
    : Name extends 'string'
      ? string
      : Name extends 'number' | 'integer'
        ? number
        : Name extends 'boolean'
          ? boolean
          : Name extends 'null'
            ? null
            : JsonValue

type Leading<First extends readonly unknown[], Root> = { readonly [Index in keyof First]?: ValueOf<First[Index], Root> }

type Items<Schema, Root> = Schema extends { readonly items: infer Item }
  ? Item extends false
    ? readonly []
    : readonly ValueOf<Item, Root>[]
  : readonly JsonValue[]

type Members<Schema, Root> = MembersOf<
  Schema extends { readonly properties: infer Properties extends object } ? Properties : Record<never, never>,
  Schema extends { readonly required: readonly (infer Name)[] } ? (string extends Name ? never : Name) : never,
  Root
> &
  (Schema extends { readonly additionalProperties: true | object }
    ? { readonly [key: string]: JsonValue | undefined }
    : unknown)

type MembersOf<Properties, Required, Root> = {
  readonly [Name in keyof Properties as Name extends Required ? Name : never]: ValueOf<Properties[Name], Root>
} & {
  readonly [Name in keyof Properties as Name extends Required ? never : Name]?: ValueOf<Properties[Name], Root>
} & { readonly [Name in Exclude<Required, keyof Properties> & string]: JsonValue }
