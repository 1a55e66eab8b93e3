import { type EnvironmentReader, parseAge } from '@tradpal/event-system'
import { type AccessConfiguration, asksForCredentials } from './access/index.ts'

/** Whether and how long actions are recorded. */
export interface AuditConfiguration {
  /** EVENT_AUDIT. Default: on when callers are asked for credentials. */
  readonly isOn: boolean
  /** EVENT_AUDIT_RETENTION, in ms: older entries are removed. Default: none is. */
  readonly retentionMs: number | undefined
}

/** `said`: what {@link saidOf} returned, so that a wrong value is told once. */
export function readAudit(
  access: AccessConfiguration,
  read: EnvironmentReader,
  said = saidOf(read)
): AuditConfiguration {
  const age = read.optionalText('EVENT_AUDIT_RETENTION', undefined, 'EVENT_AUDIT_RETENTION')
  return { isOn: said ?? asksForCredentials(access), retentionMs: ageOf(age, read) }
}

/** The value of EVENT_AUDIT; `undefined` when it is not set. */
export function saidOf(read: EnvironmentReader): boolean | undefined {
  if (read.optionalText('EVENT_AUDIT', undefined, 'EVENT_AUDIT') === undefined) return undefined
  return read.choice('EVENT_AUDIT', undefined, 'EVENT_AUDIT', ['off', 'on']) === 'on'
}

function ageOf(text: string | undefined, read: EnvironmentReader): number | undefined {
  if (text === undefined) return undefined
  try {
    const ms = parseAge(text)
    if (ms > 0) return ms
    read.wrong('EVENT_AUDIT_RETENTION must be above 0.')
  } catch (error) {
    read.wrong(`EVENT_AUDIT_RETENTION: ${(error as Error).message}`)
  }
  return undefined
}
