/**
 * Event to stored text and back. The plain codec writes the wire JSON, so that whatever else reads the log can read it; the
 * encrypting one hides what events say, and seals what else a log keeps of it.
 * Reading is lenient where others write: a type that this process does not know passes, since another service may have
 * registered it; what is no event at all is refused.
 */
export { type AttachmentContent, Attachments, parseAttachment, type Received, toAttachment } from './attachment.ts'
export { Encryption, type EncryptionParts } from './encryption/encryption.ts'
export { addEncryptionKey } from './encryption/new-key.ts'
export { sealProgress } from './encryption/sealed-progress.ts'
export { subjectIdIn } from './encryption/sealed-text.ts'
export type { ShredOptions, ShredReport } from './encryption/shredder.ts'
export { assertSubject, type SubjectOf, subjectAt } from './encryption/subject.ts'
export { SUBJECT_KEYS } from './encryption/subject-keys.ts'
export { subjectIdOfText, TextVault } from './encryption/text-vault.ts'
export { assertEncodable, copyOf, entryOf, entryOfStamped, stampedEvent } from './entry.ts'
export { beforeReading, type EventCodec, labelOf, MAX_EVENT_BYTES, plainCodec, wireCodec } from './event-codec.ts'
export {
  eachText,
  type HandlerProgress,
  type HandlingError,
  isSealedNote,
  noteSealed,
  parseHandlingNote,
  toHandlingNote
} from './handling-note.ts'
export { conflictsAmong, likenessOf, type RepeatedEntry, repeatedAmong } from './repeated-events.ts'
export { Signing, type SigningParts } from './signing/signing.ts'
