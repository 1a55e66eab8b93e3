/**
 * What every other room stands on and none of them owns: the shape of a logger, the event whose handling is under way,
 * the channels on which the library tells what it does, and how options are checked. No room is imported from here.
 */
import './node-version.ts'

export { causeOfThisCall, runAsCause } from './causation.ts'
export {
  type AheadMessage,
  type ClaimedMessage,
  type ConsumedMessage,
  type DeadLetteredMessage,
  diagnostics,
  type PublishedMessage,
  type ShreddedMessage,
  type SkippedMessage,
  type SpooledMessage,
  type TrimmedMessage
} from './diagnostics.ts'
export { endedWithin } from './ended-within.ts'
export { type Logger, silentLogger } from './logger.ts'
export { type ConsoleLogger, type LoggerOption, loggerOf } from './logger-option.ts'
export { Occurrences } from './occurrences.ts'
export { choice, duration, mustBeLog, shown, wholeNumber, wrong } from './option-values.ts'
export { pause } from './pause.ts'
export { stderrLogger } from './stderr-logger.ts'
export { WatchedFiles, type WatchedFilesOptions } from './watched-files.ts'
