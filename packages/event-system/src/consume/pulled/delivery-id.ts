import { EventSystemError } from '@tradpal/events'
import type { DeliveryKeys } from '../../groups/index.ts'
import type { Hold } from '../../log/index.ts'
import { shown } from '../../runtime/index.ts'

/** The facts about a delivery that any process needs to settle it later. */
export interface PulledHold extends Hold {
  readonly group: string
  readonly consumer: string
  /** When it was delivered, ms since the epoch. */
  readonly at: number
}

/** A delivery id that was verified, and what it says. */
export interface Verified {
  readonly id: string
  readonly hold: PulledHold
}

/**
 * The ids of deliveries: what settling takes, and a tag that proves that the log's users gave it to this principal. The
 * principal is not in the id: it comes from the caller's credentials. An id names neither an event type nor a limit: the
 * log and the group know those.
 */
export class DeliveryIds {
  readonly #keys: DeliveryKeys

  constructor(keys: DeliveryKeys) {
    this.#keys = keys
  }

  /** Resolves to the function that makes the ids of a principal's deliveries. Rejects with what the log says. */
  async issuerFor(principal: string): Promise<(hold: PulledHold) => string> {
    const sign = await this.#keys.signer()
    return (hold) => `${contentOf(hold)}.${sign(signedText(hold, principal))}`
  }

  /**
   * Resolves to the deliveries of these ids. Rejects with `invalid_argument` for a text that is no delivery id, and for the
   * id of another group, and with `forbidden` for an id that was not given to this principal.
   */
  async verified(
    ids: readonly string[],
    { group, principal }: { group: string; principal: string }
  ): Promise<Verified[]> {
    if (!Array.isArray(ids)) {
      throw new EventSystemError('invalid_argument', `Delivery ids come in a list, got ${shown(ids)}.`)
    }
    const claimed = ids.map((id) => {
      const { hold, tag } = (typeof id === 'string' && parsed(id)) || refuse(id)
      return { id, hold, tag, text: signedText(hold, principal) }
    })
    const forged = await this.#keys.firstForged(claimed)
    if (forged !== undefined) {
      const sentence = `The delivery id of ${forged.hold.messageId} was not given to you, was changed, or was signed with a key that was rotated out: pull again.`
      throw new EventSystemError('forbidden', sentence)
    }
    const other = claimed.find(({ hold }) => hold.group !== group)
    if (other === undefined) return claimed
    const sentence = `The delivery of ${other.hold.messageId} is of the group ${other.hold.group}, not of ${group}.`
    throw new EventSystemError('invalid_argument', sentence)
  }
}

/** The message id of the delivery that an id names, as the id says it: it is not verified. Undefined for a text that is no delivery id. */
export function messageIdOfDelivery(id: string): string | undefined {
  return parsed(id)?.hold.messageId
}

/** One text for one delivery and principal. JSON keeps the parts apart, also where a part holds quotes or commas. */
function signedText({ group, consumer, messageId, attempt, at }: PulledHold, principal: string): string {
  return JSON.stringify([group, consumer, messageId, attempt, at, principal])
}

function contentOf({ group, consumer, messageId, attempt, at }: PulledHold): string {
  return Buffer.from(JSON.stringify([group, consumer, messageId, attempt, at])).toString('base64url')
}

/** Only the one text that is made for a delivery is its id: what decodes to the same is none. */
function parsed(id: string): { readonly hold: PulledHold; readonly tag: string } | undefined {
  const dot = id.indexOf('.')
  if (dot === -1) return undefined
  const [content, tag] = [id.slice(0, dot), id.slice(dot + 1)]
  try {
    const parts: unknown = JSON.parse(Buffer.from(content, 'base64url').toString('utf8'))
    if (!Array.isArray(parts) || parts.length !== KINDS.length) return undefined
    if (parts.some((part, i) => typeof part !== KINDS[i])) return undefined
    const [group, consumer, messageId, attempt, at] = parts
    const hold: PulledHold = { group, consumer, messageId, attempt, at }
    return contentOf(hold) === content ? { hold, tag } : undefined
  } catch {
    return undefined
  }
}

function refuse(id: unknown): never {
  throw new EventSystemError('invalid_argument', `${shown(id)} is no delivery id: give one as pulled.`)
}

const KINDS = ['string', 'string', 'string', 'number', 'number']
