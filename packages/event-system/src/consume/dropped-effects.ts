import { conflictsAmong, type EventCodec } from '../codec/index.ts'
import type { Storage } from '../log/index.ts'
import type { Logger } from '../runtime/index.ts'
import type { Held } from './held.ts'
import type { RepeatedEffect } from './settling.ts'

export interface DroppedEffectsParts {
  readonly storage: Storage
  readonly codec: EventCodec
  readonly logger: Logger
}

/**
 * Logs a warning for each event that a handler published under an event id which stands for another event: as a duplicate it was
 * not appended. Never rejects.
 */
export async function warnOfDroppedEffects(
  { messageId }: Held,
  repeated: readonly RepeatedEffect[],
  { storage, codec, logger }: DroppedEffectsParts
): Promise<void> {
  try {
    for (const { entry, messageId: firstMessageId } of await conflictsAmong(repeated, { storage, codec })) {
      const { eventId, eventType } = entry
      logger.warn(
        { messageId, eventId, eventType, firstMessageId },
        'an event that a handler published was dropped: its event id stands for another event'
      )
    }
  } catch (error) {
    logger.warn({ err: error, messageId }, 'repeated events of a handler could not be compared')
  }
}
