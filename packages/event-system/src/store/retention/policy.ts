import { knownEventTypes, type OptionNames, unknownOptions } from '@tradpal/events'

/** How much is kept: what goes beyond any of these is removed, oldest first. What is left out has no limit. */
export interface RetentionLimits {
  /** At most so many events, 0 or more. */
  readonly maxLength?: number
  /** Those that the log took at most so long ago, in ms, 1 or more. */
  readonly maxAgeMs?: number
  /** At most about so many bytes, 0 or more: of a type, and of a whole embedded log, the texts of the events; of a whole log in Redis the memory of the stream. */
  readonly maxBytes?: number
}

/** What is kept of the whole log or, with `byType`, of each type that is named there: the limits around it are then those of all the others. */
export interface RetentionPolicy extends RetentionLimits {
  readonly byType?: Readonly<Record<string, RetentionLimits>>
}

const LEAST = { maxLength: 0, maxAgeMs: 1, maxBytes: 0 } as const
const LIMITS: OptionNames<RetentionLimits> = { maxLength: true, maxAgeMs: true, maxBytes: true }
const POLICY: OptionNames<RetentionPolicy> = { ...LIMITS, byType: true }
type LimitName = keyof typeof LEAST

/** A sentence for each thing that is wrong: it limits nothing, a limit is no such number, or a type is none that is registered. */
export function faultsOfPolicy(policy: RetentionPolicy, eventTypes: readonly string[] = knownEventTypes()): string[] {
  const { byType = {}, ...rest } = policy
  const wrong = Object.entries({ '': rest, ...byType }).flatMap(([type, limits]) => wrongLimits(type, limits))
  const unknown = Object.keys(byType).filter((type) => !eventTypes.includes(type))
  if (unknown.length > 0) {
    wrong.push(`There is no event type ${unknown.join(', ')}; register it before, or correct its name.`)
  }
  if (wrong.length === 0 && !hasLimits(rest) && Object.keys(byType).length === 0) {
    wrong.push('Retention needs a limit: maxLength, maxAgeMs or maxBytes, of the log or by type.')
  }
  return wrong
}

function hasLimits(limits: RetentionLimits): boolean {
  return Object.keys(LEAST).some((name) => limits[name as LimitName] !== undefined)
}

function wrongLimits(type: string, limits: RetentionLimits): string[] {
  const ofType = type === '' ? '' : ` of ${type}`
  const what = `retention${ofType}`
  const unknown =
    type === '' ? unknownOptions<RetentionPolicy>(what, limits, POLICY) : unknownOptions(what, limits, LIMITS)
  if (unknown.length > 0) return unknown
  const names = Object.entries(limits).flatMap(([name, value]) => {
    if (value === undefined) return []
    const least = LEAST[name as LimitName]
    if (Number.isSafeInteger(value) && value >= least) return []
    return [`${name}${ofType} must be a whole number of at least ${least}, got ${String(value)}.`]
  })
  return type !== '' && names.length === 0 && !hasLimits(limits)
    ? [`Retention of ${type} needs maxLength, maxAgeMs or maxBytes.`]
    : names
}
