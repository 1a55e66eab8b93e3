import type * as Api from '@tradpal/event-api'
import { type OptionNames, onlyOptions } from '@tradpal/events'
import type { FieldsOf } from './json-object.ts'
import { waitMs } from './options.ts'
import { bodyOf } from './query.ts'
import type { ServiceRequest } from './transport.ts'

/** How much is kept: what goes beyond any of these is removed, oldest first. */
export interface TrimLimits {
  /** At most so many events. */
  readonly maxLength?: number
  /** Those that the log took at most so long ago, in ms. */
  readonly maxAgeMs?: number
  /** At most about so many bytes. */
  readonly maxBytes?: number
}

const LIMITS: OptionNames<TrimLimits> = { maxLength: true, maxAgeMs: true, maxBytes: true }

export interface TrimRequest extends TrimLimits {
  /** Limits of these types: those around it are then those of all the others. */
  readonly byType?: Readonly<Record<string, TrimLimits>>
  /** Removes also what consumer groups have not acknowledged. Default false. */
  readonly force?: boolean
  /** Removes nothing, and resolves to what it would have removed. Default false. */
  readonly dryRun?: boolean
  /** How long the service may take. Default: the client's `timeoutMs`. */
  readonly timeoutMs?: number
}

/** A trim that is repeated removes what is left of it: it does no harm. */
export function trimming(request: TrimRequest): ServiceRequest {
  onlyOptions('trim()', request, { ...LIMITS, byType: true, force: true, dryRun: true, timeoutMs: true })
  for (const [type, limits] of Object.entries(request.byType ?? {})) onlyOptions(`byType.${type}`, limits, LIMITS)
  const { byType, force, dryRun, timeoutMs, ...limits } = request
  const by_type =
    byType && Object.fromEntries(Object.entries(byType).map(([type, ofType]) => [type, wireLimits(ofType)]))
  return {
    method: 'POST',
    path: '/events/trim',
    body: bodyOf<Api.TrimRequest>({ ...wireLimits(limits), by_type, force, dry_run: dryRun }),
    repeat: 'always',
    ...(timeoutMs !== undefined && { timeoutMs: waitMs('timeoutMs', timeoutMs, 0) })
  }
}

function wireLimits({ maxLength, maxAgeMs, maxBytes }: TrimLimits): FieldsOf<Api.TrimLimits> {
  return { max_length: maxLength, max_age_ms: maxAgeMs, max_bytes: maxBytes }
}
