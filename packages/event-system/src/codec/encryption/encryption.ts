import { AS_STORED, type Clock, decodeEvent } from '@tradpal/events'
import { Documents, type Storage } from '../../log/index.ts'
import type { Logger } from '../../runtime/index.ts'
import { type EventCodec, labelOf, sealedTextOf } from '../event-codec.ts'
import { KeyFile } from '../key-file.ts'
import { encryptingCodec, resealed } from './encrypting-codec.ts'
import { type KeyRing, keyRingOf } from './key-ring.ts'
import { Resealer } from './resealer.ts'
import { parseSealed } from './sealed-text.ts'
import { Sealer } from './sealer.ts'
import { type ShredOptions, type ShredReport, shred } from './shredder.ts'
import type { SubjectOf } from './subject.ts'
import { SubjectKeys } from './subject-keys.ts'
import { rewrapped, ringKeyOf } from './subject-record.ts'
import { sealedTextIn, TextVault } from './text-vault.ts'

export interface EncryptionParts {
  readonly keysFile: string
  readonly metadata: boolean
  /** Whether plain events are refused, and plain texts beside them count for nothing. */
  readonly required: boolean
  /** Whose key seals an event, beside the ring's. Default: nobody has one. */
  readonly keyFor?: SubjectOf | undefined
  readonly maxEventBytes: number
  readonly logger: Logger
}

/** Encryption at rest by the keys of a file: a codec for events, and a vault for what is kept beside them. */
export class Encryption {
  readonly codec: EventCodec
  readonly vault: TextVault
  readonly #keys: KeyFile<KeyRing>
  readonly #sealer: Sealer
  readonly #subjects: SubjectKeys

  /** Throws `invalid_options` for a file that holds no keys, or that others may read. */
  constructor({ keysFile, metadata, required, keyFor, maxEventBytes, logger }: EncryptionParts) {
    this.#keys = new KeyFile({ what: 'encryption keys', path: keysFile, parse: keyRingOf, logger })
    const keys = new SubjectKeys(this.#keys)
    const sealer = new Sealer(this.#keys, keys)
    this.#sealer = sealer
    this.#subjects = keys
    this.codec = encryptingCodec({ sealer, subjects: { keys, keyFor }, metadata, required, maxEventBytes })
    this.vault = new TextVault(sealer, keys, { required })
  }

  /** Keeps the keys of subjects in a log. */
  keepKeysIn(storage: Storage): void {
    this.#subjects.attach(new Documents(storage))
  }

  /** The id of the key that seals. */
  get current(): string {
    return this.#keys.ring.current
  }

  /** The ids of the keys that do not seal any more. */
  get old(): string[] {
    return [...this.#keys.ring.keys.keys()].filter((id) => id !== this.current)
  }

  /** With which key of the ring a payload, or a text beside one, is sealed. Undefined for what is not, and for what a subject's key sealed. */
  keyIdOf(text: string | null): string | undefined {
    try {
      if (text === null) return undefined
      const sealed = sealedTextIn(text) ?? sealedTextOf(decodeEvent(text, AS_STORED))
      if (sealed === undefined) return undefined
      const { owner, keyId } = parseSealed(sealed)
      return owner === 'ring' ? keyId : undefined
    } catch {
      return undefined
    }
  }

  /** Whether a payload is an event that can be read without a key. */
  isPlain(payload: string | null): boolean {
    const event = labelOf(payload)
    return event !== undefined && sealedTextOf(event) === undefined
  }

  /** Seals anew what stands beside the entries of a log. */
  get resealer(): Resealer {
    return new Resealer({
      vault: this.vault,
      isOld: (text) => ![undefined, this.current].includes(this.keyIdOf(text)),
      rekeyed: (payload) => this.rekeyed(payload)
    })
  }

  /** A payload sealed anew with the current key. Undefined for one that cannot be opened. */
  rekeyed(payload: string): string | undefined {
    try {
      return resealed(payload, this.#sealer)
    } catch {
      return undefined
    }
  }

  /** With which key of the ring the record of a subject is sealed. Undefined for one that this version does not know. */
  keyIdOfSubject(value: string): string | undefined {
    try {
      return ringKeyOf(value)
    } catch {
      return undefined
    }
  }

  /** The record of a subject, sealed anew with the current key. Undefined for one that cannot be opened. */
  rewrapped(id: string, value: string): string | undefined {
    try {
      return rewrapped(id, value, this.#sealer)
    } catch {
      return undefined
    }
  }

  /** Destroys the key of a subject: {@link shred}. */
  shred(
    subject: string,
    options: ShredOptions,
    { documents, clock }: { documents: Documents; clock: Clock }
  ): Promise<ShredReport> {
    return shred(subject, options, { documents, clock, sealer: this.#sealer })
  }

  /** Looks at the file from here on, until {@link close}. */
  start(): void {
    this.#keys.start()
  }

  close(): void {
    this.#keys.close()
  }
}
