import { EventSystemError } from './errors.ts'
import type { Event } from './event.ts'
import { assertExactText } from './exact-text.ts'
import { keysOf } from './json-pointer.ts'
import { assertMembersOnce } from './repeated-members.ts'
import { type DecodeOptions, decodeEvent, encodeEvent, fromParsed, parsed, textOf } from './wire.ts'

/** Events as one JSON array. Throws what {@link encodeEvent} throws, with the `index` of the event. */
export function encodeJsonArray(events: readonly Event[]): string {
  return `[${encoded(events, (index) => `/${index}`).join(',')}]`
}

/** Events as NDJSON: one a line, each line ended. Throws what {@link encodeEvent} throws, with the `index` of the event. */
export function encodeNdjson(events: readonly Event[]): string {
  return encoded(events, () => '')
    .map((line) => `${line}\n`)
    .join('')
}

/**
 * Reads events from a JSON array or NDJSON (empty lines are skipped): all of them or none. Throws what
 * {@link decodeEvent} throws, with the `index` of the event that is wrong; the pointer goes from the root of the array, or of the line.
 */
export function decodeEvents(json: string | Uint8Array, options: DecodeOptions = {}): Event[] {
  const text = textOf(json)
  return /^\s*\[/.test(text) ? decodeArray(text, options) : decodeLines(text, options)
}

function encoded(events: readonly Event[], root: (index: number) => string): string[] {
  return events.map((event, index) => at(index, `Event ${index}`, root(index), () => encodeEvent(event)))
}

function decodeArray(text: string, options: DecodeOptions): Event[] {
  // The text starts with a bracket: what JSON.parse returns is an array.
  const wires = parsed(text) as unknown[]
  try {
    assertExactText(text)
    if (options.stored !== true) assertMembersOnce(text, wires)
  } catch (error) {
    if (!(error instanceof EventSystemError) || error.pointer === undefined) throw error
    throw located(error, Number(keysOf(error.pointer)[0]), 'In an array of events', '')
  }
  return wires.map((wire, index) => at(index, `Event ${index}`, `/${index}`, () => fromParsed(wire, options)))
}

function decodeLines(text: string, options: DecodeOptions): Event[] {
  const events: Event[] = []
  for (const [number, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const index = events.length
    events.push(at(index, `Event ${index}, on line ${number + 1}`, '', () => decodeEvent(line, options)))
  }
  return events
}

/** Runs one event's step, and says of which event an error speaks. */
function at<T>(index: number, name: string, root: string, step: () => T): T {
  try {
    return step()
  } catch (error) {
    if (error instanceof EventSystemError) throw located(error, index, name, root)
    throw error
  }
}

function located(error: EventSystemError, index: number, name: string, root: string): EventSystemError {
  return new EventSystemError(error.code, `${name}: ${error.message}`, {
    index,
    cause: error,
    retryable: error.retryable,
    ...(error.pointer === undefined ? {} : { pointer: `${root}${error.pointer}` }),
    ...(error.errors && {
      errors: error.errors.map(({ pointer, detail }) => ({ pointer: `${root}${pointer}`, detail }))
    })
  })
}
