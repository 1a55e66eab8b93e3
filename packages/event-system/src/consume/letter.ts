import type { Delivery, NewDeadLetter } from '../log/index.ts'

/** Why a delivery is given up. */
export type GivenUp = Pick<NewDeadLetter, 'kind' | 'handler' | 'attempts' | 'firstError' | 'lastError'>

/** The letter of a delivery that is given up. */
export function letterOf(
  { payload, raw }: Delivery,
  givenUp: GivenUp,
  { consumer, eventType, note }: { consumer: string; eventType: string | null; note: string | undefined }
): NewDeadLetter {
  return {
    ...givenUp,
    consumer,
    eventType,
    payload,
    ...(raw === undefined ? {} : { raw }),
    ...(note === undefined ? {} : { note })
  }
}
