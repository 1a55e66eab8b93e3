import { EventSystemError } from '@tradpal/events'
import type { Hold } from '../log/index.ts'

/** What a puller must know of a delivery to settle it later, in whichever process. */
export interface PulledHold extends Hold {
  readonly group: string
  readonly consumer: string
  readonly eventType: string
  readonly maxAttempts: number
  /** When it was handed out, ms since the epoch. */
  readonly at: number
}

/** Opaque to those who pull: it says all that settling takes, so that any process over the log can settle it. */
export function toDeliveryId({ group, consumer, messageId, attempt, eventType, maxAttempts, at }: PulledHold): string {
  const parts = [group, consumer, messageId, attempt, eventType, maxAttempts, at]
  return Buffer.from(JSON.stringify(parts)).toString('base64url')
}

/** Throws `invalid_argument` for what is no delivery id, or one of another group. */
export function fromDeliveryId(id: string, group: string): PulledHold {
  const hold = parsed(id)
  if (hold === undefined) {
    throw new EventSystemError('invalid_argument', `${JSON.stringify(id)} is no delivery id: give one as pulled.`)
  }
  if (hold.group === group) return hold
  const sentence = `The delivery of ${hold.messageId} is of the group ${hold.group}, not of ${group}.`
  throw new EventSystemError('invalid_argument', sentence)
}

function parsed(id: string): PulledHold | undefined {
  try {
    const parts: unknown = JSON.parse(Buffer.from(id, 'base64url').toString('utf8'))
    if (!Array.isArray(parts) || parts.length !== KINDS.length) return undefined
    if (parts.some((part, i) => typeof part !== KINDS[i])) return undefined
    const [group, consumer, messageId, attempt, eventType, maxAttempts, at] = parts
    return { group, consumer, messageId, attempt, eventType, maxAttempts, at }
  } catch {
    return undefined
  }
}

const KINDS = ['string', 'string', 'string', 'number', 'string', 'number', 'number']
