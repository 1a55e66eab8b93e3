import type { EventType, StoredEvent } from '@tradpal/events'

/**
 * What a query of these types answers, as it is stored. Of the platform's own types each event has its data typed, and a
 * look at `eventType` tells several apart; any other name stands for any event. The data are not checked in reading.
 */
export type StoredEventOf<T extends string> = T extends EventType ? StoredEvent<T> : StoredEvent
