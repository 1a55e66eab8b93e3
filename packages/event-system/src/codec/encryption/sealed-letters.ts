import { EventSystemError } from '@tradpal/events'
import type {
  DeadLetter,
  DeadLetterAction,
  DeadLetterFilter,
  DeadLetters,
  HandlingError,
  MessageId,
  NewDeadLetter,
  Operator
} from '../../log/index.ts'
import { subjectIdIn } from './sealed-text.ts'
import { subjectIdOfText, type TextVault } from './text-vault.ts'

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
    const letters = await this.#letters.list(page)
    await this.#bringFor(letters)
    return letters.map((letter) => openLetter(letter, this.#vault))
  }

  count(filter: DeadLetterFilter): Promise<number> {
    return this.#letters.count(filter)
  }

  async get(id: string): Promise<DeadLetter | undefined> {
    const letter = await this.#letters.get(id)
    if (letter === undefined) return undefined
    await this.#bringFor([letter])
    return openLetter(letter, this.#vault)
  }

  requeue(id: string, options: Operator & { readonly payload?: string }): Promise<void> {
    return this.#letters.requeue(id, options)
  }

  discard(id: string, { by, reason }: Operator & { readonly reason: string }): Promise<void> {
    return this.#letters.discard(id, { by, reason: this.#vault.seal(['reason', id], reason) })
  }

  async rewrite(ids: readonly string[], change: (letter: DeadLetter) => DeadLetter): Promise<number> {
    const letters = await Promise.all(ids.map((id) => this.#letters.get(id)))
    await this.#bringFor(letters.filter((letter) => letter !== undefined))
    return this.#letters.rewrite(ids, (kept) => this.#changed(kept, change))
  }

  /** Of an error that the key of a subject sealed `change` may see why it cannot be read. */
  rewriteActions(ids: readonly string[], change: (action: DeadLetterAction) => DeadLetterAction): Promise<number> {
    return this.#letters.rewriteActions(ids, (kept) => {
      const before = this.#opened(kept)
      const after = change(before)
      const sealReason = (text: string) => this.#vault.seal(['reason', kept.letter.id], text)
      const reason = sealedAnew(kept.reason, before.reason, after.reason, sealReason)
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
    const seal = (text: string) => sealError(kept, [group, messageId], text, this.#vault)
    const anew = (which: 'firstError' | 'lastError'): HandlingError => {
      const message = sealedAnew(kept[which].message, before[which].message, after[which].message, seal)
      const stack = sealedAnew(kept[which].stack, before[which].stack, after[which].stack, seal)
      const pointer = sealedAnew(kept[which].pointer, before[which].pointer, after[which].pointer, seal)
      return {
        ...after[which],
        message: message ?? '',
        ...(stack !== undefined && { stack }),
        ...(pointer !== undefined && { pointer })
      }
    }
    const sealTheNote = (text: string) => sealNote(text, [group, messageId], this.#vault)
    const note = sealedAnew(kept.note, before.note, after.note, sealTheNote)
    return {
      ...after,
      firstError: anew('firstError'),
      lastError: anew('lastError'),
      ...(note !== undefined && { note })
    }
  }

  async actions(page: { readonly after?: string; readonly limit: number }): Promise<DeadLetterAction[]> {
    const actions = await this.#letters.actions(page)
    await this.#bringFor(actions.map(({ letter }) => letter))
    return actions.map((action) => this.#opened(action))
  }

  #bringFor(letters: readonly DeadLetter[]): Promise<void> {
    return this.#vault.bring(letters.flatMap(subjectIdsIn))
  }

  #opened(action: DeadLetterAction): DeadLetterAction {
    return {
      ...action,
      ...(action.reason !== undefined && { reason: this.#vault.shown(['reason', action.letter.id], action.reason) }),
      letter: openLetter(action.letter, this.#vault)
    }
  }
}

/** The id of the subject whose event a letter is about: what handlers said of it is sealed with the same key. */
export function subjectIdOf({ payload }: Pick<NewDeadLetter, 'payload'>): string | undefined {
  return subjectIdIn(payload)
}

/** Those whose keys sealed what a letter says. */
function subjectIdsIn({ firstError, lastError }: DeadLetter): string[] {
  const texts = [firstError, lastError].flatMap(({ message, stack = '', pointer = '' }) => [message, stack, pointer])
  return texts.map(subjectIdOfText).filter((id) => id !== undefined)
}

/** The keys of subjects are to be brought before. */
export function sealLetter(letter: NewDeadLetter, [group, messageId]: Place, vault: TextVault): NewDeadLetter {
  const sealText = (text: string) => sealError(letter, [group, messageId], text, vault)
  return {
    ...letter,
    firstError: eachText(letter.firstError, sealText),
    lastError: eachText(letter.lastError, sealText),
    ...(letter.note !== undefined && { note: sealNote(letter.note, [group, messageId], vault) })
  }
}

function sealError(letter: NewDeadLetter, place: Place, text: string, vault: TextVault): string {
  const subjectId = subjectIdOf(letter)
  return subjectId === undefined
    ? vault.seal(['error', ...place], text)
    : vault.sealFor(subjectId, ['error', ...place], text)
}

/** The text as it is kept, where it was not changed. */
export function sealedAnew(
  kept: string | undefined,
  before: string | undefined,
  after: string | undefined,
  seal: (text: string) => string
): string | undefined {
  return after === undefined || after === before ? kept : seal(after)
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

/**
 * A note that cannot be opened now stays as it is: it is known as one by its form. A plain note where encryption is required is
 * an empty one, which says of no handler that it is done: somebody else may have written it.
 */
export function openNote(note: string, [group, messageId]: Place, vault: TextVault): string {
  try {
    return vault.open(['note', group, messageId], note)
  } catch (error) {
    return error instanceof EventSystemError && error.code === 'not_encrypted' ? '' : note
  }
}

/** The error with each of its texts changed. */
export function eachText(error: HandlingError, change: (text: string) => string): HandlingError {
  const { message, stack, pointer } = error
  return {
    ...error,
    message: change(message),
    ...(stack !== undefined && { stack: change(stack) }),
    ...(pointer !== undefined && { pointer: change(pointer) })
  }
}
