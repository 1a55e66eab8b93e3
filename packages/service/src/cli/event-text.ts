import type { EventRange } from '@tradpal/event-client'
import { type StoredEvent, type StreamEvent, stringifyJson, toWire } from '@tradpal/events'
import { printable, printableJson } from '../terminal-text.ts'
import type { RangeOptions } from './options.ts'
import { type Output, styled } from './output.ts'

/** An event and its place as the service answers it. */
export function wireOf(event: StoredEvent) {
  return { message_id: event.messageId, ...toWire(event) }
}

/** One line of NDJSON, ended. */
export function ndjsonOf(event: StoredEvent): string {
  return `${printableJson(wireOf(event))}\n`
}

/** Shows events as they come: each a line for people, or NDJSON. */
export async function showEvent(output: Output, event: StoredEvent): Promise<void> {
  if (output.json) return output.write(ndjsonOf(event))
  const { data, symbol } = dataOf(event)
  const parts = [event.timestamp.slice(0, 23), sentTypeOf(event).padEnd(24), (symbol ?? '').padEnd(10), data].map(
    printable
  )
  const [time, type, name, rest] = shortened(parts, output.width) as [string, string, string, string]
  await output.line(styled('dim', time), '  ', styled('cyan', type), ' ', styled('bold', name), ' ', rest)
}

/** Shows a list of events: a table for people, or NDJSON. */
export async function showEvents(output: Output, events: readonly StoredEvent[]): Promise<void> {
  if (output.json) return output.write(events.map(ndjsonOf).join(''))
  await showTable(output, HEAD, events.map(rowOf))
}

/** As {@link showEvents}, with the version of each. */
export async function showStream(output: Output, events: readonly StreamEvent<true>[]): Promise<void> {
  if (output.json) return output.write(events.map(ndjsonOfStream).join(''))
  const rows = events.map((event) => [String(event.version), ...rowOf(event)])
  await showTable(output, ['VERSION', ...HEAD], rows)
}

/** The key stands in the command. */
function ndjsonOfStream(event: StreamEvent<true>): string {
  const { message_id, ...wire } = wireOf(event)
  return `${printableJson({ message_id, version: event.version, ...wire })}\n`
}

const HEAD = ['MESSAGE ID', 'TIME (UTC)', 'TYPE', 'SYMBOL', 'SOURCE', 'DATA']

function rowOf(event: StoredEvent): string[] {
  const { data, symbol = '' } = dataOf(event)
  return [event.messageId, event.timestamp.slice(0, 23), sentTypeOf(event), symbol, event.source, data].map(printable)
}

/** The last column, which has the data, is cut where the terminal has no room for it. */
async function showTable(output: Output, head: readonly string[], rows: readonly string[][]): Promise<void> {
  if (rows.length === 0) return output.note('no events')
  const last = head.length - 1
  const others = head
    .slice(0, last)
    .map((_, column) => Math.max(8, ...rows.map((row) => (row[column] as string).length)))
  const taken = others.reduce((sum, width) => sum + width + 2, 0)
  const room = output.width === undefined ? undefined : Math.max(12, output.width - taken)
  await output.table(
    head,
    rows.map((row) => row.with(last, cut(row[last] as string, room)))
  )
}

/** The range that a command's options say. */
export function rangeOf({ type, symbol, symbols = symbol, start, end, time, after }: RangeOptions): EventRange {
  return {
    ...(type === undefined ? {} : { eventType: type }),
    ...(symbols === undefined ? {} : { symbols }),
    ...(start === undefined ? {} : { startTime: start }),
    ...(end === undefined ? {} : { endTime: end }),
    ...(time === undefined ? {} : { time }),
    ...(after === undefined ? {} : { after })
  }
}

/** The name that the event was sent under. */
function sentTypeOf({ eventType, wireType = eventType }: StoredEvent): string {
  return wireType
}

/** What the event carries, its symbol apart. */
function dataOf({ data }: StoredEvent): { symbol?: string; data: string } {
  const { symbol, ...rest } = data
  if (typeof symbol !== 'string') return { data: stringifyJson(data) }
  return { symbol, data: stringifyJson(rest) }
}

function shortened(parts: readonly string[], width: number | undefined): readonly string[] {
  if (width === undefined) return parts
  const taken = parts.slice(0, 3).reduce((sum, part) => sum + part.length + 2, 0)
  return parts.with(3, cut(parts[3] as string, Math.max(12, width - taken)))
}

function cut(text: string, room: number | undefined): string {
  return room === undefined || text.length <= room ? text : `${text.slice(0, room - 1)}…`
}
