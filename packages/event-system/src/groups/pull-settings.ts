import {
  EventSystemError,
  onlyOptions,
  type PullSettings,
  type PullSettingsChange,
  parseJson,
  resolveEventType
} from '@tradpal/events'
import type { Document, Documents } from '../log/index.ts'

/** The collection of the log's records that holds them, by the names of groups. */
const COLLECTION = 'pulled-groups'
/** How many groups a log may have where nobody says otherwise: pulls make no more. */
export const MAX_GROUPS = 1_000
/** How often an event may fail where nobody says otherwise. */
export const MAX_ATTEMPTS = 5
/** The most that anybody may say. */
export const MOST_ATTEMPTS = 1_000

/** As a record has it. */
interface StoredSettings {
  readonly event_types: readonly string[] | null
  readonly max_attempts: number
}

/** Undefined for a group that nobody has pulled from. */
export async function readPullSettings(documents: Documents, group: string): Promise<PullSettings | undefined> {
  const record = await documents.get(COLLECTION, group)
  return record && settingsIn(record)
}

/** Of every pulled group, by its name. */
export async function listPullSettings(documents: Documents): Promise<ReadonlyMap<string, PullSettings>> {
  const stored = await documents.all(COLLECTION)
  return new Map(stored.map((record) => [record.id, settingsIn(record)]))
}

/** Stores the settings of a first pull. Resolves to those that hold: of several first pulls at the same time, one sets them. */
export async function firstPullSettings(
  documents: Documents,
  group: string,
  settings: PullSettings
): Promise<PullSettings> {
  for (;;) {
    const revision = await documents.put(COLLECTION, group, textOf(settings), 0)
    const stored = revision === undefined ? await readPullSettings(documents, group) : settings
    if (stored !== undefined) return stored
  }
}

/** Resolves to the settings as they are then. Rejects with `invalid_argument` and `unknown_event_type`, nothing changed. */
export async function changePullSettings(
  documents: Documents,
  group: string,
  change: PullSettingsChange
): Promise<PullSettings> {
  const { eventTypes, maxAttempts } = checked(change)
  for (;;) {
    const record = await documents.get(COLLECTION, group)
    const before = record === undefined ? { eventTypes: null, maxAttempts: MAX_ATTEMPTS } : settingsIn(record)
    const settings: PullSettings = {
      eventTypes: eventTypes === undefined ? before.eventTypes : eventTypes,
      maxAttempts: maxAttempts ?? before.maxAttempts
    }
    const isWritten = (await documents.put(COLLECTION, group, textOf(settings), record?.revision ?? 0)) !== undefined
    if (isWritten) return settings
  }
}

/** Resolves to whether there were any. */
export function removePullSettings(documents: Documents, group: string): Promise<boolean> {
  return documents.remove(COLLECTION, group)
}

/** The event types that a list names, sorted; `null` for all. Throws `invalid_argument` and `unknown_event_type`. */
export function pulledTypes(names: readonly string[] | null | undefined): readonly string[] | null {
  if (names === undefined || names === null) return null
  if (!Array.isArray(names)) {
    const sentence = `eventTypes must be a list of event types, got ${typeof names}.`
    throw new EventSystemError('invalid_argument', sentence, { pointer: '/event_types' })
  }
  if (names.includes('*')) return null
  if (names.length > 0) return [...new Set(names.map((name) => resolveEventType(name)))].sort()
  throw new EventSystemError('invalid_argument', 'eventTypes is empty; leave it out for all types.', {
    pointer: '/event_types'
  })
}

/** For sentences: `all event types`, or their names. */
export function eventTypesText(eventTypes: readonly string[] | null): string {
  return eventTypes === null ? 'all event types' : eventTypes.join(', ')
}

function checked(change: PullSettingsChange): PullSettingsChange {
  onlyOptions('changePulling()', change, { eventTypes: true, maxAttempts: true })
  const { eventTypes, maxAttempts } = change
  if (eventTypes === undefined && maxAttempts === undefined) {
    throw new EventSystemError('invalid_argument', 'Nothing is to be changed: give event types or max_attempts.')
  }
  if (maxAttempts !== undefined && !isAttempts(maxAttempts)) {
    const sentence = `maxAttempts must be a whole number from 1 to ${MOST_ATTEMPTS}, got ${maxAttempts}.`
    throw new EventSystemError('invalid_argument', sentence, { pointer: '/max_attempts' })
  }
  return {
    ...(eventTypes === undefined ? {} : { eventTypes: pulledTypes(eventTypes) }),
    ...(maxAttempts === undefined ? {} : { maxAttempts })
  }
}

function isAttempts(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= MOST_ATTEMPTS
}

function textOf({ eventTypes, maxAttempts }: PullSettings): string {
  return JSON.stringify({ event_types: eventTypes, max_attempts: maxAttempts } satisfies StoredSettings)
}

/** Throws `log_incompatible` for a record that this version does not know: guessing could acknowledge events unread. */
function settingsIn({ id, value }: Document): PullSettings {
  const { event_types: eventTypes, max_attempts: maxAttempts } = parsed(value)
  const areTypes = eventTypes === null || (Array.isArray(eventTypes) && eventTypes.every((t) => typeof t === 'string'))
  if (areTypes && typeof maxAttempts === 'number') return { eventTypes, maxAttempts }
  const sentence = `How the group ${id} is pulled is kept in a form that is not known here.`
  throw new EventSystemError('log_incompatible', sentence)
}

function parsed(value: string): Partial<StoredSettings> {
  try {
    return (parseJson(value) as Partial<StoredSettings> | null) ?? {}
  } catch {
    return {}
  }
}
