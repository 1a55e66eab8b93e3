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

  async actions(page: { readonly after?: string; readonly limit: number }): Promise<DeadLetterAction[]> {
    return (await this.#letters.actions(page)).map((action) => ({
      ...action,
      ...(action.reason !== undefined && { reason: this.#vault.shown(['reason', action.letter.id], action.reason) }),
      letter: openLetter(action.letter, this.#vault)
    }))
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
