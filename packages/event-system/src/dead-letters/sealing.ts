import { eachText, type HandlingError, sealProgress, type TextVault } from '../codec/index.ts'
import type { DeadLetter, DeadLetterAction } from './dead-letter.ts'

/** Fetches the keys that encrypted the errors of dead letters, or will encrypt them. Rejects with the error of the log. */
export function prepareLetters(
  letters: readonly Pick<DeadLetter, 'payload' | 'firstError' | 'lastError'>[],
  vault: TextVault
) {
  return vault.prepare(
    letters.flatMap(({ payload, firstError, lastError }) => [payload, ...textsOf(firstError, lastError)])
  )
}

/** The dead letter as it is stored: its errors quote the event, and have its subject's key where it has a subject. */
export function sealLetter<Letter extends Omit<DeadLetter, 'id'>>(letter: Letter, vault: TextVault): Letter {
  const { group, messageId, payload, note } = letter
  const seal = (text: string) => vault.sealFor(payload, ['error', group, messageId], text)
  return {
    ...letter,
    firstError: eachText(letter.firstError, seal),
    lastError: eachText(letter.lastError, seal),
    ...(note !== undefined && { note: sealProgress(note, [group, messageId], vault) })
  }
}

/** The dead letter for people: what cannot be read says why. The note stays sealed: only its group has a use for it. */
export function openLetter(letter: DeadLetter, vault: TextVault): DeadLetter {
  const place = ['error', letter.group, letter.messageId]
  const open = (error: HandlingError) => eachText(error, (text) => vault.shown(place, text))
  return { ...letter, firstError: open(letter.firstError), lastError: open(letter.lastError) }
}

export function sealReason(reason: string, letterId: string, vault: TextVault): string {
  return vault.seal(['reason', letterId], reason)
}

export function openAction(action: DeadLetterAction, vault: TextVault): DeadLetterAction {
  const { reason, letter } = action
  return {
    ...action,
    ...(reason !== undefined && { reason: vault.shown(['reason', letter.id], reason) }),
    letter: openLetter(letter, vault)
  }
}

function textsOf(...errors: readonly HandlingError[]): string[] {
  return errors.flatMap(({ message, stack = '', pointer = '' }) => [message, stack, pointer])
}
