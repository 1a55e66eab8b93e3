import { EventSystemError } from '@tradpal/events'
import { Encryption } from '../codec/index.ts'
import type { Logger } from '../runtime/index.ts'
import type { EnvironmentReader } from './environment.ts'

/** What is written is encrypted; what is read may be plain, or encrypted with any of the keys. */
export interface EncryptionOptions {
  /** A JSON file of its owner alone: `{"current": "2026-11", "keys": {"2026-11": "<base64 of 32 bytes>"}}`. It is read again when it changes. Environment: EVENT_ENCRYPTION_KEYS_FILE. */
  readonly keysFile: string
  /** Whether the metadata of events is encrypted as their data is. Environment: EVENT_ENCRYPTION_METADATA. Default false. */
  readonly metadata?: boolean
}

export interface AskedEncryption {
  readonly maxEventBytes: number
  readonly logger: Logger
}

/** Undefined when nobody asked for it. What is wrong with the keys is told with all else. */
export function readEncryption(
  given: EncryptionOptions | undefined,
  read: EnvironmentReader,
  asked: AskedEncryption
): Encryption | undefined {
  const keysFile = read.optionalText('encryption.keysFile', given?.keysFile, 'EVENT_ENCRYPTION_KEYS_FILE')
  const ofOptions = given?.metadata === undefined ? undefined : given.metadata ? 'true' : 'false'
  const metadata = read.choice('encryption.metadata', ofOptions, 'EVENT_ENCRYPTION_METADATA', ['false', 'true'])
  if (keysFile === undefined) {
    if (metadata === 'true')
      read.wrong('Metadata is encrypted where data is: give the keys (EVENT_ENCRYPTION_KEYS_FILE).')
    return undefined
  }
  try {
    return new Encryption({ ...asked, keysFile, metadata: metadata === 'true' })
  } catch (error) {
    if (!(error instanceof EventSystemError)) throw error
    read.wrong(error.message)
    return undefined
  }
}
