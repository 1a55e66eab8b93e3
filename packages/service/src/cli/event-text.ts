import { type StoredEvent, stringifyJson, toWire } from '@tradpal/events'
import { printable, printableJson } from '../terminal-text.ts'
import type { RangeOptions } from './options.ts'
import { type Output, styled } from './output.ts'
import type { TargetRange } from './target.ts'

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
  if (events.length === 0) return output.note('no events')
  const rows = events.map((event) => {
    const { data, symbol = '' } = dataOf(event)
    return [event.messageId, event.timestamp.slice(0, 23), sentTypeOf(event), symbol, event.source, data].map(printable)
  })
  const others = [0, 1, 2, 3, 4].map((column) => Math.max(8, ...rows.map((row) => (row[column] as string).length)))
  const taken = others.reduce((sum, width) => sum + width + 2, 0)
  const room = output.width === undefined ? undefined : Math.max(12, output.width - taken)
  await output.table(
    ['MESSAGE ID', 'TIME (UTC)', 'TYPE', 'SYMBOL', 'SOURCE', 'DATA'],
    rows.map((row) => row.with(5, cut(row[5] as string, room)))
  )
}

/** The range that a command's options say. */
export function rangeOf({ type, symbol, symbols = symbol, start, end, after }: RangeOptions): TargetRange {
  return {
    ...(type === undefined ? {} : { eventType: type }),
    ...(symbols === undefined ? {} : { symbols }),
    ...(start === undefined ? {} : { startTime: start }),
    ...(end === undefined ? {} : { endTime: end }),
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
