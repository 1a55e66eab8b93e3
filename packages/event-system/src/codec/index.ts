/**
 * Event to stored text and back, through a list of stages: an event is signed, written as JSON, compressed, and encrypted. Without
 * stages over content the text is the wire JSON, which every other reader of the log understands; with them the event's data are an
 * envelope that names the stages.
 * Reading is lenient where others write: a type that this process does not know passes, since another service may have
 * registered it; what is no event at all is refused.
 */
export type { HandlingError } from '@tradpal/events'
export { type AttachmentContent, Attachments, parseAttachment, type Received, toAttachment } from './attachment.ts'
export { Encryption, type EncryptionParts } from './encryption/encryption.ts'
export { addEncryptionKey } from './encryption/new-key.ts'
export { sealProgress } from './encryption/sealed-progress.ts'
export type { ShredOptions, ShredReport } from './encryption/shredder.ts'
export { assertSubject, type SubjectOf, subjectAt } from './encryption/subject.ts'
export { SUBJECT_KEYS } from './encryption/subject-keys.ts'
export { TextVault } from './encryption/text-vault.ts'
export { assertEncodable, copyOf, entryOf, entryOfStamped, stampedEvent } from './entry.ts'
export {
  type Compression,
  clearPartOf,
  type EventCodecOptions,
  eventCodec,
  MAX_EVENT_BYTES,
  plainCodec,
  prepareReading
} from './event-codec.ts'
export {
  eachText,
  type HandlerProgress,
  isSealedNote,
  noteSealed,
  parseHandlingNote,
  toHandlingNote
} from './handling-note.ts'
export { keysOfSymbols, labelOf, labelsOf } from './label.ts'
export { conflictsAmong, likenessOf, type RepeatedEntry, repeatedAmong } from './repeated-events.ts'
export { Signing, type SigningParts } from './signing/signing.ts'
export type { EventCodec } from './staged-codec.ts'
