import type { Received } from '../codec/index.ts'
import type { NewDeadLetter } from '../dead-letters/index.ts'

/** Why a delivery is given up. */
export type GivenUp = Pick<NewDeadLetter, 'kind' | 'handler' | 'attempts' | 'firstError' | 'lastError'>

/** The dead letter of a delivery that is given up. */
export function letterOf(
  { messageId, payload, raw, isAmended = false, requeues = 0 }: Received,
  givenUp: GivenUp,
  about: { group: string; consumer: string; eventType: string | null; note: string | undefined }
): NewDeadLetter {
  const { note, ...others } = about
  return {
    ...givenUp,
    ...others,
    messageId,
    payload,
    ...(raw !== undefined && { raw }),
    amended: isAmended,
    requeues,
    ...(note !== undefined && { note })
  }
}
