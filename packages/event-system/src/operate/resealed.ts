import { type AttachmentContent, type Encryption, eachText, type HandlingError } from '../codec/index.ts'
import type { DeadLetter, DeadLetterAction } from '../dead-letters/index.ts'

type Resealer = Encryption['resealer']

/** A dead letter as it is stored, its texts sealed with the current key. */
export function resealedLetter(letter: DeadLetter, resealer: Resealer): DeadLetter {
  const { group, messageId, payload, note } = letter
  const seal = (error: HandlingError) => eachText(error, (text) => resealer.text(['error', group, messageId], text))
  return {
    ...letter,
    payload: payload === null ? null : resealer.payload(payload),
    firstError: seal(letter.firstError),
    lastError: seal(letter.lastError),
    ...(note !== undefined && { note: resealer.text(['note', group, messageId], note) })
  }
}

/** A record of what an operator did. */
export function resealedAction(action: DeadLetterAction, resealer: Resealer): DeadLetterAction {
  const { reason, letter } = action
  return {
    ...action,
    ...(reason !== undefined && { reason: resealer.text(['reason', letter.id], reason) }),
    letter: resealedLetter(letter, resealer)
  }
}

/** What a group keeps of a pending entry. */
export function resealedAttachment(
  attachment: AttachmentContent,
  [group, messageId]: readonly [string, string],
  resealer: Resealer
): AttachmentContent {
  const { progress, payload } = attachment
  return {
    ...attachment,
    ...(progress !== undefined && { progress: resealer.text(['note', group, messageId], progress) }),
    ...(payload !== undefined && { payload: resealer.payload(payload) })
  }
}
