/**
 * The entries that consumer groups gave up on, as documents in collections of the log: a dead letter is written in one step with the
 * end of its delivery, and put back or discarded in one step with the record of who did it. Consuming writes dead letters, and
 * operating reads and moves them. What they quote of events is sealed where the log is encrypted.
 */
export {
  AMENDED_BY,
  type DeadLetter,
  type DeadLetterAction,
  type DeadLetterCause,
  type DeadLetterFilter,
  type NewDeadLetter,
  type Operator
} from './dead-letter.ts'
export { DeadLetters, type DeadLettersParts, type NewlyDead } from './dead-letters.ts'
export { ACTIONS, DEAD_LETTERS } from './ids.ts'
