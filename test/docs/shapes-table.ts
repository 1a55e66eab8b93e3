import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type JsonObject, parseJson, stringifyJson } from '@tradpal/events'

interface Shape {
  readonly name: string
  readonly event_type: string
  readonly data: JsonObject
  readonly newest?: JsonObject
  readonly fault?: string
}

const FILE = '../../packages/service/test/compatibility/shapes.json'
const shapes = parseJson(readFileSync(join(import.meta.dirname, FILE))) as unknown as {
  readonly accepted: readonly Shape[]
  readonly refused: readonly Shape[]
}

/** The rows of the tables in docs/existing-services.md, made of the shapes that the compatibility kit sends. */
export const shapeRows = {
  upcast: shapes.accepted
    .filter(({ newest }) => newest !== undefined)
    .map((shape) => rowOf(shape, codeOf(shape.newest))),
  deadForTypedHandlers: shapes.accepted.filter(({ fault }) => fault !== undefined).map(faultRow),
  refused: shapes.refused.map(faultRow)
}

function faultRow(shape: Shape): string {
  return rowOf(shape, `\`${shape.fault}\``)
}

function rowOf({ name, event_type: type, data }: Shape, last: string): string {
  return `| ${name} | \`${type}\` | ${codeOf(data)} | ${last} |`
}

function codeOf(value: unknown): string {
  return `\`${stringifyJson(value)}\``
}
