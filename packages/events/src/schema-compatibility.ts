import { below } from './json-pointer.ts'
import { isJsonObject, type JsonObject, type JsonValue, sameJson } from './json-value.ts'

/** `unknown`: a keyword differs that is not compared. */
export type Compatibility = 'compatible' | 'incompatible' | 'unknown'

/** A difference between two schemas that may refuse data. */
export interface SchemaDifference {
  /** `backward`: a reader with the new schema, of data of the old one. `forward`: a reader with the old schema, of new data. */
  readonly direction: 'backward' | 'forward'
  readonly compatibility: 'incompatible' | 'unknown'
  /** JSON pointer of the keyword, in the reader's schema or in the other. */
  readonly pointer: string
  /** A sentence. */
  readonly message: string
}

export interface SchemaComparison {
  readonly backward: Compatibility
  readonly forward: Compatibility
  readonly differences: readonly SchemaDifference[]
}

type Found = Pick<SchemaDifference, 'compatibility' | 'pointer' | 'message'>

/** What a schema says to people and tools, and does not check. */
const ANNOTATIONS = new Set([
  'title',
  'description',
  'default',
  'examples',
  '$comment',
  'deprecated',
  'readOnly',
  'writeOnly'
])

/** A keyword that bounds values of a type from one side, and the keyword that excludes the bound itself. */
interface Bound {
  readonly types: readonly string[]
  readonly keyword: string
  readonly exclusive?: string
  /** 1 for a least value, -1 for a greatest. */
  readonly sign: 1 | -1
}

const BOUNDS: readonly Bound[] = [
  { types: ['number', 'integer'], keyword: 'minimum', exclusive: 'exclusiveMinimum', sign: 1 },
  { types: ['number', 'integer'], keyword: 'maximum', exclusive: 'exclusiveMaximum', sign: -1 },
  { types: ['string'], keyword: 'minLength', sign: 1 },
  { types: ['string'], keyword: 'maxLength', sign: -1 },
  { types: ['array'], keyword: 'minItems', sign: 1 },
  { types: ['array'], keyword: 'maxItems', sign: -1 },
  { types: ['object'], keyword: 'minProperties', sign: 1 },
  { types: ['object'], keyword: 'maxProperties', sign: -1 }
]

const COMPARED = new Set([
  'type',
  'required',
  'enum',
  'properties',
  'additionalProperties',
  'items',
  ...BOUNDS.flatMap(({ keyword, exclusive = keyword }) => [keyword, exclusive])
])

const EVERY_TYPE = ['string', 'number', 'object', 'array', 'boolean', 'null']

/**
 * Compares two JSON Schemas of an event type in both directions, by `type`, `required`, `enum`, the bounds, `items`, `properties`
 * and `additionalProperties`. A difference in any other keyword that checks data is `unknown`. A field that only one of the
 * two names is compared where the other closes or types its further fields; where those are open, it makes no difference.
 */
export function compareSchemas(old: JsonObject, next: JsonObject): SchemaComparison {
  const backward = differences(old, next, '')
  const forward = differences(next, old, '')
  return {
    backward: verdictOf(backward),
    forward: verdictOf(forward),
    differences: [
      ...backward.map((found) => ({ direction: 'backward' as const, ...found })),
      ...forward.map((found) => ({ direction: 'forward' as const, ...found }))
    ]
  }
}

function verdictOf(found: readonly Found[]): Compatibility {
  if (found.some(({ compatibility }) => compatibility === 'incompatible')) return 'incompatible'
  return found.length === 0 ? 'compatible' : 'unknown'
}

/** What of the data of one schema a reader with the other refuses, or may refuse. */
function differences(data: JsonObject, reader: JsonObject, pointer: string): Found[] {
  const keywords = [...new Set([...Object.keys(data), ...Object.keys(reader)])]
  const others = keywords.filter((name) => !COMPARED.has(name) && !ANNOTATIONS.has(name) && !name.startsWith('x-'))
  const strange = keywords.filter(
    (name) => COMPARED.has(name) && !(isUsual(name, data[name]) && isUsual(name, reader[name]))
  )
  const unknown = [...others, ...strange].filter((name) => !isSame(data[name], reader[name]))
  const skipped = new Set(strange)
  return [
    ...unknown.map((name) => ({
      compatibility: 'unknown' as const,
      pointer: below(pointer, name),
      message: `${name} differs, which is not compared.`
    })),
    ...(skipped.has('type') ? [] : ofTypes(data, reader, pointer)),
    ...(skipped.has('required') ? [] : ofRequired(data, reader, pointer)),
    ...(skipped.has('enum') ? [] : ofEnum(data, reader, pointer)),
    ...BOUNDS.filter(({ keyword, exclusive = keyword }) => !skipped.has(keyword) && !skipped.has(exclusive)).flatMap(
      (bound) => ofBound(data, reader, bound, pointer)
    ),
    ...(skipped.has('items') ? [] : ofItems(data, reader, pointer)),
    ...(skipped.has('properties') || skipped.has('additionalProperties') ? [] : ofProperties(data, reader, pointer))
  ]
}

/** Whether a compared keyword has a value of the kind that it has in JSON Schema 2020-12. */
function isUsual(name: string, value: JsonValue | undefined): boolean {
  if (value === undefined) return true
  if (name === 'type') return [value].flat().every((type) => typeof type === 'string')
  if (name === 'required' || name === 'enum') return Array.isArray(value)
  if (name === 'items') return isJsonObject(value)
  if (name === 'properties') return isJsonObject(value) && Object.values(value).every(isSchema)
  return name === 'additionalProperties' ? isSchema(value) : typeof value === 'number'
}

function isSchema(value: JsonValue | undefined): boolean {
  return typeof value === 'boolean' || isJsonObject(value)
}

function isSame(one: JsonValue | undefined, other: JsonValue | undefined): boolean {
  return one === undefined || other === undefined ? one === other : sameJson(one, other)
}

function ofTypes(data: JsonObject, reader: JsonObject, pointer: string): Found[] {
  const taken = typesOf(reader)
  const refused = typesOf(data).filter(
    (type) => !taken.includes(type) && !(type === 'integer' && taken.includes('number'))
  )
  if (refused.length === 0) return []
  return [
    incompatible(below(pointer, 'type'), `${refused.join(' and ')} may come, and only ${taken.join(', ')} is taken.`)
  ]
}

/** Without `type`, those of the values of `enum`; without either, all. */
function typesOf({ type, enum: values }: JsonObject): string[] {
  if (type !== undefined) return [type].flat() as string[]
  return Array.isArray(values) ? [...new Set(values.map(typeOf))] : EVERY_TYPE
}

function typeOf(value: JsonValue): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value === 'bigint' ? 'number' : typeof value
}

function ofRequired(data: JsonObject, reader: JsonObject, pointer: string): Found[] {
  const always = (data.required ?? []) as JsonValue[]
  const missing = ((reader.required ?? []) as JsonValue[]).filter((name) => !always.includes(name))
  return missing.map((name) =>
    incompatible(below(pointer, 'required'), `${String(name)} is required, and may be missing.`)
  )
}

function ofEnum(data: JsonObject, reader: JsonObject, pointer: string): Found[] {
  if (reader.enum === undefined) return []
  const taken = reader.enum as JsonValue[]
  if (data.enum === undefined)
    return [incompatible(below(pointer, 'enum'), 'Only some values are taken, and any may come.')]
  const refused = (data.enum as JsonValue[]).filter((value) => !taken.some((known) => sameJson(known, value)))
  return refused.map((value) => incompatible(below(pointer, 'enum'), `${JSON.stringify(value)} is not taken.`))
}

function ofBound(data: JsonObject, reader: JsonObject, bound: Bound, pointer: string): Found[] {
  if (!typesOf(data).some((type) => bound.types.includes(type))) return []
  const { keyword, exclusive = keyword, sign } = bound
  const names = exclusive === keyword ? [keyword] : [keyword, exclusive]
  return names.flatMap((name) => {
    const limit = reader[name] as number | undefined
    if (limit === undefined || isWithin(data, { ...bound, exclusive }, limit, name)) return []
    const which = sign === 1 ? 'less' : 'more'
    return [incompatible(below(pointer, name), `${name} is ${limit}, and ${which} may come.`)]
  })
}

/** Whether all that the data may have is within the limit that stands under the reader's keyword. */
function isWithin(
  data: JsonObject,
  { keyword, exclusive, sign }: Required<Bound>,
  limit: number,
  name: string
): boolean {
  const [own, ownExclusive] = [data[keyword], keyword === exclusive ? undefined : data[exclusive]] as (
    | number
    | undefined
  )[]
  if (ownExclusive !== undefined && (ownExclusive - limit) * sign >= 0) return true
  if (own === undefined) return false
  const distance = (own - limit) * sign
  return name === keyword ? distance >= 0 : distance > 0
}

function ofItems(data: JsonObject, reader: JsonObject, pointer: string): Found[] {
  if (reader.items === undefined || !typesOf(data).includes('array')) return []
  return differences((data.items ?? {}) as JsonObject, reader.items as JsonObject, below(pointer, 'items'))
}

function ofProperties(data: JsonObject, reader: JsonObject, pointer: string): Found[] {
  if (!typesOf(data).includes('object')) return []
  const [sent, read] = [data, reader].map(({ properties = {} }) => properties as Record<string, JsonValue>)
  const [sentBeside, readBeside] = [data, reader].map(({ additionalProperties = true }) => additionalProperties)
  const names = [...new Set([...Object.keys(sent ?? {}), ...Object.keys(read ?? {})])]
  const named = names.flatMap((name) => {
    const [theirs = sentBeside, ours = readBeside] = [sent?.[name], read?.[name]]
    const isOpen = (sent?.[name] === undefined && theirs === true) || (read?.[name] === undefined && ours === true)
    return isOpen ? [] : ofField(theirs, ours, below(below(pointer, 'properties'), name))
  })
  return [...named, ...ofField(sentBeside, readBeside, below(pointer, 'additionalProperties'))]
}

/** A field whose schema is `false` is never sent, or never taken. */
function ofField(data: JsonValue | undefined, reader: JsonValue | undefined, pointer: string): Found[] {
  if (data === false || reader === true) return []
  if (reader === false) return [incompatible(pointer, 'It may come, and is not taken.')]
  return differences(data === true ? {} : (data as JsonObject), reader as JsonObject, pointer)
}

function incompatible(pointer: string, message: string): Found {
  return { compatibility: 'incompatible', pointer, message }
}
