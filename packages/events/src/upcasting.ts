import { EventSystemError } from './errors.ts'
import type { Event } from './event-parts.ts'
import { isJsonObject, type JsonObject, shown } from './json-value.ts'
import { onlyOptions } from './only-options.ts'
import { resolveEventType } from './registry.ts'
import { platformUpcasters } from './upcasters/index.ts'

/** One step from a version of a type's data to the next. */
export interface Upcaster {
  /** The event type, which is known already. */
  readonly type: string
  /** The version that it takes. Version 0 is what carries no `metadata.schema_version`. */
  readonly from: number
  /** The version that it returns: `from + 1`. */
  readonly to: number
  /** Pure and synchronous: it returns new data, or the same object where nothing changes. What it is given is frozen. */
  readonly upcast: (data: JsonObject) => JsonObject
}

type Step = Upcaster['upcast']

/** What a type starts with: the step from 0 to 1 changes nothing unless there is one. */
const FIRST_VERSION = 1

/** By type, the step from each version. */
const steps = new Map<string, (Step | undefined)[]>(
  Object.entries(platformUpcasters).map(([type, step]) => [type, [step]])
)

/**
 * Adds a step to the chain of a type, in this process: data of an older version are read as those of the newest. Steps are
 * added in order, each once; the one from 0 may come later. Throws `unknown_event_type`, and `invalid_argument` for a step
 * that is there already, leaves a gap, or is none.
 */
export function registerUpcaster(upcaster: Upcaster): void {
  onlyOptions('registerUpcaster()', upcaster, { type: true, from: true, to: true, upcast: true })
  const { type, from, to, upcast } = upcaster
  const eventType = resolveEventType(type)
  const name = `The upcaster of ${eventType} from ${shown(from)} to ${shown(to)}`
  if (!isVersion(from)) throw wrong(`${name} must start from a version, a whole number from 0.`)
  if (to !== from + 1) throw wrong(`${name} must lead to the next version, ${from + 1}.`)
  if (typeof upcast !== 'function') throw wrong(`${name} must have a function upcast, got ${shown(upcast)}.`)
  const newest = newestVersionOf(eventType)
  if (from > newest) throw wrong(`${name} leaves a gap: register the one from ${newest} to ${newest + 1} first.`)
  const ofType = steps.get(eventType) ?? []
  if (ofType[from] !== undefined) throw wrong(`${name} is there already: each step is registered once.`)
  ofType[from] = onCopies(upcast)
  steps.set(eventType, ofType)
}

/** An upcaster that changed what it is given would change the event that is published. It gets a frozen copy, so that it fails instead. */
function onCopies(upcast: Step): Step {
  return (data) => {
    const copy = frozen(structuredClone(data))
    const result = upcast(copy)
    return result === copy ? data : result
  }
}

function frozen<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value
  for (const inner of Object.values(value)) frozen(inner)
  return Object.freeze(value)
}

/** The newest version of a type that is known here: 1, and one more for each step beyond it. */
export function newestVersionOf(eventType: string): number {
  return Math.max(FIRST_VERSION, steps.get(eventType)?.length ?? 0)
}

/**
 * The event with the data of the newest version of its type; itself where nothing changes. What changes is marked with its
 * version in `metadata.schema_version`, so that upcasting it again does nothing. Throws `invalid_data` with the pointer when
 * its version is newer than the newest that is known here, or is none, and when an upcaster fails.
 */
export function upcastEvent<E extends Event>(event: E): E {
  const { eventType, metadata } = event
  const version = metadata.schema_version ?? 0
  const ofType = steps.get(eventType)
  if (ofType === undefined && version === 0) return event
  const newest = newestVersionOf(eventType)
  if (!isVersion(version) || version > newest) throw unknownVersion(eventType, version, newest)
  let data: JsonObject = event.data
  for (let from = version; from < newest; from++) data = stepped(eventType, from, ofType?.[from], data)
  if (version === newest || (data === event.data && newest === FIRST_VERSION)) return event
  return { ...event, data, metadata: { ...metadata, schema_version: newest } }
}

/** {@link upcastEvent}, or the event as it is where it cannot be upcast. */
export function upcastIfPossible<E extends Event>(event: E): E {
  try {
    return upcastEvent(event)
  } catch {
    return event
  }
}

function stepped(eventType: string, from: number, step: Step | undefined, data: JsonObject): JsonObject {
  if (step === undefined) return data
  try {
    const upcast: unknown = step(data)
    if (isJsonObject(upcast) && typeof upcast.then !== 'function') return upcast
    throw new TypeError(
      `the upcaster must return an object, got ${upcast instanceof Promise ? 'a promise' : shown(upcast)}`
    )
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const message = `data of the type ${eventType} cannot be upcast from version ${from} to ${from + 1}: ${reason}.`
    throw new EventSystemError('invalid_data', message, { pointer: '/data', cause })
  }
}

function isVersion(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function unknownVersion(eventType: string, version: unknown, newest: number): EventSystemError {
  const reason = isVersion(version)
    ? `is newer than ${newest}, the newest version of ${eventType} that is known here: register the upcasters that lead to it`
    : `must be a version of ${eventType}, a whole number from 0 to ${newest}, got ${shown(version)}`
  return new EventSystemError('invalid_data', `metadata.schema_version ${reason}.`, {
    pointer: '/metadata/schema_version'
  })
}

function wrong(sentence: string): EventSystemError {
  return new EventSystemError('invalid_argument', sentence)
}
