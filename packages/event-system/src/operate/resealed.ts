import { type AttachmentContent, type Encryption, eachText, type HandlingError } from '../codec/index.ts'
import type { DeadLetter, DeadLetterAction } from '../dead-letters/index.ts'

/** A dead letter as it is stored, its texts sealed with the current key. */
export function resealedLetter(letter: DeadLetter, encryption: Encryption): DeadLetter {
  const { group, messageId, payload, note } = letter
  const seal = (error: HandlingError) =>
    eachText(error, (text) => encryption.textWithCurrentKey(['error', group, messageId], text))
  return {
    ...letter,
    payload: payload === null ? null : encryption.withCurrentKey(payload),
    firstError: seal(letter.firstError),
    lastError: seal(letter.lastError),
    ...(note !== undefined && { note: encryption.textWithCurrentKey(['note', group, messageId], note) })
  }
}

/** A record of what an operator did. */
export function resealedAction(action: DeadLetterAction, encryption: Encryption): DeadLetterAction {
  const { reason, letter } = action
  return {
    ...action,
    ...(reason !== undefined && { reason: encryption.textWithCurrentKey(['reason', letter.id], reason) }),
    letter: resealedLetter(letter, encryption)
  }
}

/** What a group keeps of a pending entry. */
export function resealedAttachment(
  attachment: AttachmentContent,
  [group, messageId]: readonly [string, string],
  encryption: Encryption
): AttachmentContent {
  const { progress, payload } = attachment
  return {
    ...attachment,
    ...(progress !== undefined && { progress: encryption.textWithCurrentKey(['note', group, messageId], progress) }),
    ...(payload !== undefined && { payload: encryption.withCurrentKey(payload) })
  }
}
