import { decodeEvent } from '@tradpal/events'
import type { EventLog } from '../../log/index.ts'
import type { Logger } from '../../runtime/index.ts'
import { type EventCodec, sealedTextOf } from '../event-codec.ts'
import { KeyFile } from '../key-file.ts'
import { encryptingCodec, resealed } from './encrypting-codec.ts'
import { type KeyRing, keyRingOf } from './key-ring.ts'
import { SealedLog } from './sealed-log.ts'
import { parseSealed } from './sealed-text.ts'
import { Sealer } from './sealer.ts'
import { sealedTextIn, TextVault } from './text-vault.ts'

export interface EncryptionParts {
  readonly keysFile: string
  readonly metadata: boolean
  readonly maxEventBytes: number
  readonly logger: Logger
}

/** Encryption at rest by the keys of a file: a codec for events, and a log that keeps nothing beside them in the clear. */
export class Encryption {
  readonly codec: EventCodec
  readonly vault: TextVault
  readonly #keys: KeyFile<KeyRing>
  readonly #sealer: Sealer

  /** Throws `invalid_options` for a file that holds no keys, or that others may read. */
  constructor({ keysFile, metadata, maxEventBytes, logger }: EncryptionParts) {
    this.#keys = new KeyFile({ what: 'encryption keys', path: keysFile, parse: keyRingOf, logger })
    const sealer = new Sealer(this.#keys)
    this.#sealer = sealer
    this.codec = encryptingCodec({ sealer, metadata, maxEventBytes })
    this.vault = new TextVault(sealer)
  }

  over(log: EventLog): EventLog {
    return new SealedLog(log, this.vault)
  }

  /** The log as it is kept, below the one that seals. */
  under(log: EventLog): EventLog {
    return log instanceof SealedLog ? log.under : log
  }

  /** The id of the key that seals. */
  get current(): string {
    return this.#keys.ring.current
  }

  /** With which key a payload, or a text beside one, is sealed. Undefined for what is not. */
  keyIdOf(text: string | null): string | undefined {
    try {
      if (text === null) return undefined
      const sealed = sealedTextIn(text) ?? sealedTextOf(decodeEvent(text, { validate: 'envelope' }))
      return sealed === undefined ? undefined : parseSealed(sealed).keyId
    } catch {
      return undefined
    }
  }

  /** A payload sealed anew with the current key. Undefined for one that cannot be opened. */
  rekeyed(payload: string): string | undefined {
    try {
      return resealed(payload, this.#sealer)
    } catch {
      return undefined
    }
  }

  /** Looks at the file from here on, until {@link close}. */
  start(): void {
    this.#keys.start()
  }

  close(): void {
    this.#keys.close()
  }
}
