import type {
  DeadLetter,
  DeadLetterAction,
  DeadLetterFilter,
  DeadLetters,
  HandlingError,
  MessageId,
  NewDeadLetter,
  Operator,
  PendingTexts
} from '../../log/index.ts'
import type { Resealer } from './resealer.ts'
import type { TextVault } from './text-vault.ts'

/** Where an entry stands in a group: what is sealed there is opened nowhere else. */
export type Place = readonly [group: string, messageId: MessageId]

/** The dead letters of a log, whose errors quote what the events say. */
export class SealedLetters implements DeadLetters {
  readonly #letters: DeadLetters
  readonly #vault: TextVault

  constructor(letters: DeadLetters, vault: TextVault) {
    this.#letters = letters
    this.#vault = vault
  }

  async list(page: DeadLetterFilter & { readonly after?: string; readonly limit: number }): Promise<DeadLetter[]> {
    return (await this.#letters.list(page)).map((letter) => openLetter(letter, this.#vault))
  }

  count(filter: DeadLetterFilter): Promise<number> {
    return this.#letters.count(filter)
  }

  async get(id: string): Promise<DeadLetter | undefined> {
    const letter = await this.#letters.get(id)
    return letter && openLetter(letter, this.#vault)
  }

  requeue(id: string, options: Operator & { readonly payload?: string }): Promise<void> {
    return this.#letters.requeue(id, options)
  }

  discard(id: string, { by, reason }: Operator & { readonly reason: string }): Promise<void> {
    return this.#letters.discard(id, { by, reason: this.#vault.seal(['reason', id], reason) })
  }

  rewrite(ids: readonly string[], change: (letter: DeadLetter) => DeadLetter): Promise<number> {
    return this.#letters.rewrite(ids, (kept) => this.#changed(kept, change))
  }

  rewriteActions(ids: readonly string[], change: (action: DeadLetterAction) => DeadLetterAction): Promise<number> {
    return this.#letters.rewriteActions(ids, (kept) => {
      const before = this.#opened(kept)
      const after = change(before)
      const reason = this.#sealedAnew(['reason', kept.letter.id], kept.reason, before.reason, after.reason)
      return {
        ...after,
        ...(reason !== undefined && { reason }),
        letter: this.#changed(kept.letter, () => after.letter)
      }
    })
  }

  /** What becomes of a letter as it is kept, when it is changed so as it is opened. */
  #changed(kept: DeadLetter, change: (letter: DeadLetter) => DeadLetter): DeadLetter {
    const { group, messageId } = kept
    const before = openLetter(kept, this.#vault)
    const after = change(before)
    const anew = (which: 'firstError' | 'lastError'): HandlingError => {
      const place = ['error', group, messageId]
      const message = this.#sealedAnew(place, kept[which].message, before[which].message, after[which].message)
      const stack = this.#sealedAnew(place, kept[which].stack, before[which].stack, after[which].stack)
      return { ...after[which], message: message ?? '', ...(stack !== undefined && { stack }) }
    }
    const note = this.#sealedAnew(['note', group, messageId], kept.note, before.note, after.note)
    return {
      ...after,
      firstError: anew('firstError'),
      lastError: anew('lastError'),
      ...(note !== undefined && { note })
    }
  }

  /** The text as it is kept, where it was not changed. */
  #sealedAnew(
    place: readonly string[],
    kept: string | undefined,
    before: string | undefined,
    after: string | undefined
  ): string | undefined {
    return after === undefined || after === before ? kept : this.#vault.seal(place, after)
  }

  async actions(page: { readonly after?: string; readonly limit: number }): Promise<DeadLetterAction[]> {
    return (await this.#letters.actions(page)).map((action) => this.#opened(action))
  }

  #opened(action: DeadLetterAction): DeadLetterAction {
    return {
      ...action,
      ...(action.reason !== undefined && { reason: this.#vault.shown(['reason', action.letter.id], action.reason) }),
      letter: openLetter(action.letter, this.#vault)
    }
  }
}

/** A letter whose texts are sealed anew, where an older key sealed them. */
export function resealLetter<Letter extends DeadLetter>(letter: Letter, resealer: Resealer): Letter {
  const { group, messageId, payload, note } = letter
  const seal = (error: HandlingError) => eachText(error, (text) => resealer.text(['error', group, messageId], text))
  return {
    ...letter,
    payload: resealer.payload(payload),
    firstError: seal(letter.firstError),
    lastError: seal(letter.lastError),
    ...(note !== undefined && { note: resealer.text(['note', group, messageId], note) })
  }
}

/** A record of what an operator did, as {@link resealLetter}. */
export function resealAction(action: DeadLetterAction, resealer: Resealer): DeadLetterAction {
  const { reason, letter } = action
  return {
    ...action,
    ...(reason !== undefined && { reason: resealer.text(['reason', letter.id], reason) }),
    letter: resealLetter(letter, resealer)
  }
}

/** What a group keeps of an entry, as {@link resealLetter}. */
export function resealPending(
  { messageId, note, amended }: PendingTexts,
  group: string,
  resealer: Resealer
): PendingTexts {
  return {
    messageId,
    ...(note !== undefined && { note: resealer.text(['note', group, messageId], note) }),
    ...(amended !== undefined && { amended: resealer.payload(amended) })
  }
}

export function sealLetter(letter: NewDeadLetter, [group, messageId]: Place, vault: TextVault): NewDeadLetter {
  const seal = (error: HandlingError) => eachText(error, (text) => vault.seal(['error', group, messageId], text))
  return {
    ...letter,
    firstError: seal(letter.firstError),
    lastError: seal(letter.lastError),
    ...(letter.note !== undefined && { note: sealNote(letter.note, [group, messageId], vault) })
  }
}

/** The letter for people: of what cannot be read it says why. The note stays sealed: only its group has a use for it. */
export function openLetter<Letter extends DeadLetter>(letter: Letter, vault: TextVault): Letter {
  const { group, messageId } = letter
  const open = (error: HandlingError) => eachText(error, (text) => vault.shown(['error', group, messageId], text))
  return { ...letter, firstError: open(letter.firstError), lastError: open(letter.lastError) }
}

export function sealNote(note: string, [group, messageId]: Place, vault: TextVault): string {
  return vault.seal(['note', group, messageId], note)
}

/** A note that cannot be opened now stays as it is: it is known as one by its form. */
export function openNote(note: string, [group, messageId]: Place, vault: TextVault): string {
  try {
    return vault.open(['note', group, messageId], note)
  } catch {
    return note
  }
}

function eachText(error: HandlingError, change: (text: string) => string): HandlingError {
  const { message, stack } = error
  return { ...error, message: change(message), ...(stack !== undefined && { stack: change(stack) }) }
}
