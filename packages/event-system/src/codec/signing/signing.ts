import { type Event, EventSystemError, type JsonObject } from '@tradpal/events'
import type { Logger } from '../../runtime/index.ts'
import { KeyFile } from '../key-file.ts'
import type { EventStage } from '../stage.ts'
import { signedText } from './canonical.ts'
import { type SigningRing, signingRingOf } from './signing-ring.ts'

export interface SigningParts {
  readonly keysFile: string
  /** `required`: an event without a signature that is right is none. */
  readonly verify: 'off' | 'required'
  readonly logger: Logger
}

/** Signatures by the keys of a file: made in `metadata.signature` of events that are written, and verified in events that are read. */
export class Signing implements EventStage {
  readonly name = 'signature'
  readonly #keys: KeyFile<SigningRing>
  readonly #verifies: boolean

  /** Throws `invalid_options` for a file that holds no keys, or that others may read. */
  constructor({ keysFile, verify, logger }: SigningParts) {
    this.#keys = new KeyFile({ what: 'signing keys', path: keysFile, parse: signingRingOf, logger })
    this.#verifies = verify === 'required'
  }

  /** Without a key that signs, the event is as it is. */
  write(event: Event): Event {
    const { current, keys } = this.#keys.ring
    const key = current === undefined ? undefined : keys.get(current)
    if (current === undefined || key?.sign === undefined) return event
    const value = key.sign(signedText(event)).toString('base64url')
    return {
      ...event,
      metadata: { ...event.metadata, signature: { key_id: current, algorithm: key.algorithm, value } }
    }
  }

  /** Throws `invalid_signature`. */
  read(event: Event): Event {
    if (!this.#verifies) return event
    const { key_id: keyId, algorithm, value } = signatureOf(event)
    const key = typeof keyId === 'string' ? this.#keys.ring.keys.get(keyId) : undefined
    if (key === undefined)
      throw invalid(event, `the key ${JSON.stringify(keyId)} is not among the keys in ${this.#keys.path}`)
    if (key.algorithm !== algorithm)
      throw invalid(event, `its algorithm is not that of the key ${JSON.stringify(keyId)}`)
    if (typeof value === 'string' && key.verify(signedText(event), Buffer.from(value, 'base64url'))) return event
    throw invalid(event, 'it is not that of what the event says')
  }

  /** Looks at the file from here on, until {@link close}. */
  start(): void {
    this.#keys.start()
  }

  close(): void {
    this.#keys.close()
  }
}

/** Throws `invalid_signature` for an event without one. */
function signatureOf(event: Event): JsonObject {
  const { signature } = event.metadata
  if (typeof signature === 'object' && signature !== null && !Array.isArray(signature)) return signature as JsonObject
  throw invalid(event, 'there is none, and one is required here (EVENT_VERIFY_SIGNATURES)')
}

function invalid({ eventId }: Event, why: string): EventSystemError {
  return new EventSystemError(
    'invalid_signature',
    `The signature of the event ${JSON.stringify(eventId)} is not valid: ${why}.`
  )
}
