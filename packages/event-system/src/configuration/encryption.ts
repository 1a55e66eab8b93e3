import { Encryption, type SubjectOf, subjectAt } from '../codec/index.ts'
import type { Logger } from '../runtime/index.ts'
import type { EnvironmentReader } from './environment.ts'

/** What is written is encrypted; what is read may be encrypted with any of the keys, or plain unless encryption is required. */
export interface EncryptionOptions {
  /** A JSON file of its owner alone: `{"current": "2026-11", "keys": {"2026-11": "<base64 of 32 bytes>"}}`. It is read again when it changes. Environment: EVENT_ENCRYPTION_KEYS_FILE. */
  readonly keysFile: string
  /** Whether the metadata of events is encrypted as their data is. Environment: EVENT_ENCRYPTION_METADATA. Default false. */
  readonly metadata?: boolean
  /**
   * Whether an event that is not encrypted counts as none: a consumer puts it into the dead letters as `poison` with `not_encrypted`, and queries,
   * replays and streams pass over it. Environment: EVENT_REQUIRE_ENCRYPTION. Default false: it is read.
   */
  readonly required?: boolean
  /**
   * Whose an event is, such as the id of a customer: 1 to 200 characters, and the same for an event each time. Such an event is
   * encrypted with a key of its subject's own, so that {@link EventSystem.shred} can erase them all. Environment: EVENT_ENCRYPTION_SUBJECT,
   * by names into the event, such as `data.customer_id`. Default: no event is anybody's.
   */
  readonly keyFor?: SubjectOf
}

/** Undefined when nobody asked for it. What is wrong with the keys is told with all else. */
export function readEncryption(
  given: EncryptionOptions | undefined,
  read: EnvironmentReader,
  logger: Logger
): Encryption | undefined {
  read.only('encryption', given, { keysFile: true, metadata: true, required: true, keyFor: true })
  const keysFile = read.optionalText('encryption.keysFile', given?.keysFile, 'EVENT_ENCRYPTION_KEYS_FILE')
  const metadata = read.flag('encryption.metadata', given?.metadata, 'EVENT_ENCRYPTION_METADATA')
  const required = read.flag('encryption.required', given?.required, 'EVENT_REQUIRE_ENCRYPTION')
  const keyFor = readSubject(given, read)
  if (keysFile === undefined) {
    if (keyFor !== undefined)
      read.wrong('The keys of subjects are encrypted too: give the keys for that (EVENT_ENCRYPTION_KEYS_FILE).')
    if (metadata) read.wrong('Metadata is encrypted where data is: give the keys (EVENT_ENCRYPTION_KEYS_FILE).')
    if (required)
      read.wrong(
        'EVENT_REQUIRE_ENCRYPTION needs the keys of encrypted events: name their file (EVENT_ENCRYPTION_KEYS_FILE).'
      )
    return undefined
  }
  return read.checked(() => new Encryption({ logger, keysFile, metadata, required, keyFor }))
}

function readSubject(given: EncryptionOptions | undefined, read: EnvironmentReader): SubjectOf | undefined {
  if (given?.keyFor !== undefined) {
    if (typeof given.keyFor !== 'function')
      read.wrong(`encryption.keyFor must be a function, got ${typeof given.keyFor}.`)
    return given.keyFor
  }
  const path = read.optionalText('EVENT_ENCRYPTION_SUBJECT', undefined, 'EVENT_ENCRYPTION_SUBJECT')
  if (path === undefined) return undefined
  const keyFor = subjectAt(path)
  if (keyFor === undefined) {
    read.wrong(
      `EVENT_ENCRYPTION_SUBJECT must be names into an event, data or metadata first, such as data.customer_id, got ${JSON.stringify(path)}.`
    )
  }
  return keyFor
}
