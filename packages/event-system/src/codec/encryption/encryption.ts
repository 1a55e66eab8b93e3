import type { EventLog } from '../../log/index.ts'
import type { Logger } from '../../runtime/index.ts'
import type { EventCodec } from '../event-codec.ts'
import { encryptingCodec } from './encrypting-codec.ts'
import { KeyRingFile } from './key-ring-file.ts'
import { SealedLog } from './sealed-log.ts'
import { Sealer } from './sealer.ts'
import { TextVault } from './text-vault.ts'

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
  readonly #keys: KeyRingFile

  /** Throws `invalid_options` for a file that holds no keys, or that others may read. */
  constructor({ keysFile, metadata, maxEventBytes, logger }: EncryptionParts) {
    this.#keys = new KeyRingFile(keysFile, logger)
    const sealer = new Sealer(this.#keys)
    this.codec = encryptingCodec({ sealer, metadata, maxEventBytes })
    this.vault = new TextVault(sealer)
  }

  over(log: EventLog): EventLog {
    return new SealedLog(log, this.vault)
  }

  /** Looks at the file from here on, until {@link close}. */
  start(): void {
    this.#keys.start()
  }

  close(): void {
    this.#keys.close()
  }
}
