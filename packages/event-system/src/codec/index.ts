/**
 * Event to stored text and back. The plain codec writes the wire JSON, so that whatever else reads the log can read it.
 * Reading is lenient where others write: a type that this process does not know passes, since another service may have
 * registered it; what is no event at all is refused.
 */
export { entryOf } from './entry.ts'
export { type EventCodec, MAX_EVENT_BYTES, plainCodec, wireCodec } from './event-codec.ts'
export { type HandlerProgress, parseHandlingNote, toHandlingNote } from './handling-note.ts'
