import type { Event } from '@tradpal/events'
import type { AppliedStage, Envelope, EnvelopeHead } from './envelope.ts'

/** A stage over the event as a whole, before it is written and after it is read: it leaves an event. */
export interface EventStage {
  readonly name: string
  write(event: Event): Event
  /** Throws what is wrong with the event. */
  read(event: Event): Event
}

export interface StageContext {
  /** The event that the content belongs to. While reading, as far as it stands in the clear. */
  readonly event: Event
  /** The head of the envelope. While writing, with the stages before this one; while reading, with all. */
  readonly head: EnvelopeHead
}

/** A stage over content, the bytes that an envelope carries. */
export interface ContentStage {
  /** As envelopes name it. */
  readonly name: string
  /** Whether the stage only saves space: an event that is no smaller with it is stored without it. Default false. */
  readonly isOptional?: boolean
  /**
   * The content that the stage makes, valid until its next call, and the head with the stage. Undefined where the stage leaves the
   * content as it is. Without this step, the stage only reads events that others wrote.
   */
  write?(content: Buffer, context: StageContext): Envelope | undefined
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
