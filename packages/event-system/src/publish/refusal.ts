import { EventSystemError } from '@tradpal/events'
import type { Circuit } from './circuit.ts'
import type { Parcel } from './parcel.ts'

/**
 * Tells the caller the truth: what was sent once without an answer may be in the log, whatever came after. But for a
 * conflict: were it there, it would have been known as a duplicate.
 */
export function refuse({ unknown, reject }: Parcel, error: unknown): void {
  const saysSo = error instanceof EventSystemError && ['log_timeout', 'version_conflict'].includes(error.code)
  if (unknown === undefined || saysSo) {
    reject(error)
    return
  }
  const reason = error instanceof Error ? error.message : String(error)
  const message = `An answer of the log was lost, and it could not be asked again: whether it wrote is unknown. ${reason}`
  reject(new EventSystemError('log_timeout', message, { cause: error }))
}

export function behindError(): EventSystemError {
  const message = 'Older events of the same key are in the spool and come first; nothing was written.'
  return new EventSystemError('log_unavailable', message)
}

export function lateError({ reason }: Circuit): EventSystemError {
  const why = reason === undefined ? 'It answers too slowly.' : reason
  return new EventSystemError('log_unavailable', `The log did not take it in time. ${why}`)
}
