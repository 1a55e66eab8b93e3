import { AS_STORED, type Clock, decodeEvent } from '@tradpal/events'
import { Documents, type Storage } from '../../log/index.ts'
import type { Logger } from '../../runtime/index.ts'
import { envelopeIn, envelopeInText } from '../envelope.ts'
import { KeyFile } from '../key-file.ts'
import type { ContentStage } from '../stage.ts'
import { type UsedKey, usedKeyOf } from './applied-encryption.ts'
import type { DerivedKeys } from './derived-keys.ts'
import { encryptionStage, reencrypted } from './encryption-stage.ts'
import { type KeyRing, keyRingOf } from './key-ring.ts'
import { Sealer } from './sealer.ts'
import { type ShredOptions, type ShredReport, shred } from './shredder.ts'
import type { SubjectOf } from './subject.ts'
import { SubjectKeys } from './subject-keys.ts'
import { rewrapped, ringKeyOf } from './subject-record.ts'
import { TextVault } from './text-vault.ts'

export interface EncryptionParts {
  readonly keysFile: string
  /** Whether the metadata of events are encrypted too. */
  readonly metadata: boolean
  /** Whether events that are not encrypted are refused, and plain texts beside them count for nothing. */
  readonly required: boolean
  /** Whose key seals an event, beside the ring's. Default: nobody has one. */
  readonly keyFor?: SubjectOf | undefined
  readonly logger: Logger
}

/** Encryption at rest by the keys of a file: a stage for events, and a vault for texts that are kept beside them. */
export class Encryption {
  readonly stage: ContentStage
  /** Whether the metadata of events go through the stages too, and are not in the clear. */
  readonly hidesMetadata: boolean
  readonly vault: TextVault
  readonly #keys: KeyFile<KeyRing>
  readonly #sealer: Sealer
  readonly #subjects: SubjectKeys

  /** Throws `invalid_options` for a file that holds no keys, or that others may read. */
  constructor({ keysFile, metadata, required, keyFor, logger }: EncryptionParts) {
    this.#keys = new KeyFile({ what: 'encryption keys', path: keysFile, parse: keyRingOf, logger })
    const keys = new SubjectKeys(this.#keys)
    const sealer = new Sealer(this.#keys, keys)
    this.#sealer = sealer
    this.#subjects = keys
    this.stage = encryptionStage({ sealer, subjects: { keys, keyFor }, required })
    this.hidesMetadata = metadata
    this.vault = new TextVault(sealer, keys, { required })
  }

  /** Keeps the keys of subjects in a log. */
  keepKeysIn(storage: Storage): void {
    this.#subjects.attach(new Documents(storage))
  }

  /** What stands for a symbol in the index of a log: under the current key, under older ones, and itself, for events from before encryption. */
  readonly keysOf = (symbol: string): string[] => {
    const { current, keys } = this.#keys.ring
    const old = [...keys].filter(([id]) => id !== current).map(([, key]) => key)
    return [...[keys.get(current) as DerivedKeys, ...old].map((key) => key.nameOf(symbol)), symbol]
  }

  /** The id of the key that seals. */
  get current(): string {
    return this.#keys.ring.current
  }

  /** The ids of the keys that do not seal any more. */
  get old(): string[] {
    return [...this.#keys.ring.keys.keys()].filter((id) => id !== this.current)
  }

  /** The id of the key of the ring that encrypted a payload, or a text beside one. Undefined for any other text, and for one that a subject's key encrypted. */
  keyIdOf(text: string | null): string | undefined {
    const used = usedKeyIn(text)
    return used !== 'none' && used?.owner === 'ring' ? used.keyId : undefined
  }

  /** Whether a payload is an event that is not encrypted. */
  isUnencrypted(payload: string | null): boolean {
    return usedKeyIn(payload) === 'none'
  }

  /** The payload, encrypted with the current key where an older one encrypted it. One that cannot be opened stays as it is. */
  withCurrentKey(payload: string): string {
    return this.#isOld(payload) ? unlessUnreadable(payload, () => reencrypted(payload, this.#sealer)) : payload
  }

  /** As {@link withCurrentKey}, of a text of the vault at its place. */
  textWithCurrentKey(place: readonly string[], text: string): string {
    const { vault } = this
    return this.#isOld(text) ? unlessUnreadable(text, () => vault.seal(place, vault.open(place, text))) : text
  }

  #isOld(text: string): boolean {
    return ![undefined, this.current].includes(this.keyIdOf(text))
  }

  /** The id of the key of the ring that encrypted the record of a subject. Undefined for a record that this version does not know. */
  keyIdOfSubject(value: string): string | undefined {
    try {
      return ringKeyOf(value)
    } catch {
      return undefined
    }
  }

  /** The record of a subject, encrypted with the current key. Undefined for one that cannot be opened. */
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

/** Which key encrypted a payload, or a text beside one: `none` for a text that is not encrypted. Undefined for one that cannot be read. */
function usedKeyIn(text: string | null): UsedKey | 'none' | undefined {
  try {
    if (text === null) return undefined
    const envelope = envelopeInText(text) ?? envelopeIn(decodeEvent(text, AS_STORED).data)
    return (envelope && usedKeyOf(envelope.head)) ?? 'none'
  } catch {
    return undefined
  }
}

function unlessUnreadable(text: string, reencrypt: () => string): string {
  try {
    return reencrypt()
  } catch {
    return text
  }
}
