import type { Event } from '@tradpal/events'
import type { AppliedStage, EnvelopeHead } from './envelope.ts'

/** A stage over the event as a whole, before it is written and after it is read: it leaves an event. */
export interface EventStage {
  readonly name: string
  write(event: Event): Event
  /** Throws what is wrong with the event. */
  read(event: Event): Event
}

/** The event that content belongs to, and the head of its envelope: while writing, with the stages before this one; while reading, with all. */
export interface StageContext extends EnvelopeHead {
  /** While reading, as far as it stands in the clear. */
  readonly event: Event
}

/** What a stage made of content, and how the envelope names the stage. */
export interface StageOutput {
  readonly applied: AppliedStage
  /** Valid until the next call of the stage. */
  readonly content: Buffer
}

/** A stage over content, the bytes that an envelope carries. */
export interface ContentStage {
  /** As envelopes name it. */
  readonly name: string
  /** Whether the stage only saves space: an event that is no smaller with it is stored without it. Default false. */
  readonly isOptional?: boolean
  /**
   * Undefined where the stage leaves the content as it is: the envelope does not name it then. Without this step, events are only
   * read that others wrote through the stage.
   */
  write?(content: Buffer, context: StageContext): StageOutput | undefined
  /** Undoes the stage. `applied`: how the envelope names it. Throws what is wrong with the content. */
  read(content: Buffer, applied: AppliedStage, context: StageContext): Buffer
  /** Fetches what writing these events takes. Undefined where that is nothing. Rejects with the error of the log. */
  prepareWriting?(events: readonly Event[]): Promise<void> | undefined
  /** As {@link prepareWriting}, before payloads are read. */
  prepareReading?(payloads: readonly (string | null)[]): Promise<void> | undefined
  /** Whether {@link prepareReading} has nothing to fetch for this payload. Default: it never has. */
  isPrepared?(payload: string): boolean
  /** Is called for a stored event that did not go through the stage, and throws where such an event is not read. Default: it is read. */
  refuseWithout?(event: Event): void
}
