/**
 * JSON Schemas as plain objects, each with the TypeScript type of what it allows. A library that builds them would be loaded by
 * every process that touches an event, and is larger than all else here.
 */
import type { JsonObject } from '../json-value.ts'

declare const allowed: unique symbol

/** A JSON Schema. Of the type of what it allows only the compiler knows. */
export type Schema<Value> = JsonObject & { readonly [allowed]: Value }

/** Of a property that need not be there. */
export interface OptionalSchema<Value> {
  readonly optional: Schema<Value>
}

type Properties = Readonly<Record<string, Schema<unknown> | OptionalSchema<unknown>>>

type SchemaIn<Property> = Property extends OptionalSchema<infer Value> ? Schema<Value> : Property

/** What a schema allows. */
export type ValueOf<Property> = SchemaIn<Property> extends Schema<infer Value> ? Value : never

type OptionalNames<P extends Properties> = {
  [Name in keyof P]: P[Name] extends OptionalSchema<unknown> ? Name : never
}[keyof P]

type ObjectOf<P extends Properties> = { [Name in Exclude<keyof P, OptionalNames<P>>]: ValueOf<P[Name]> } & {
  [Name in OptionalNames<P>]?: ValueOf<P[Name]>
}

/** The schema of an object, which has its properties at hand. */
export type ObjectSchema<P extends Properties> = Schema<ObjectOf<P>> & {
  readonly properties: { readonly [Name in keyof P]: SchemaIn<P[Name]> }
}

export function schema<Value>(keywords: JsonObject): Schema<Value> {
  return keywords as Schema<Value>
}

export function optional<Value>(schema: Schema<Value>): OptionalSchema<Value> {
  return { optional: schema }
}

/** The schema of an object that may have further properties. */
export function object<P extends Properties>(properties: P, { description }: { description: string }): ObjectSchema<P> {
  const entries = Object.entries(properties)
  const required = entries.filter(([, property]) => !isOptional(property)).map(([name]) => name)
  return {
    type: 'object',
    ...(required.length === 0 ? {} : { required }),
    properties: Object.fromEntries(
      entries.map(([name, property]) => [name, isOptional(property) ? property.optional : property])
    ),
    description
  } as JsonObject as ObjectSchema<P>
}

function isOptional(property: Properties[string]): property is OptionalSchema<unknown> {
  return 'optional' in property
}
