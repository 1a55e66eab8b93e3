import { EventSystemError } from '@tradpal/events'
import { type HandlerProgress, type HandlingError, parseHandlingNote, toHandlingNote } from '../codec/index.ts'

/** Of a message and of a stack, this many characters are kept. */
const MAX_TEXT = 8_000

/**
 * How far the handlers are with one event, by their names. It is kept as the note of the entry, so that whoever gets the
 * entry next, in this process or another, runs only what is left to do, and counts on.
 */
export class Progress {
  readonly #handlers: Map<string, HandlerProgress>

  private constructor(handlers: Map<string, HandlerProgress>) {
    this.#handlers = handlers
  }

  static from(note: string | undefined): Progress {
    return new Progress(new Map(Object.entries(parseHandlingNote(note))))
  }

  of(handler: string): HandlerProgress {
    const known = this.#handlers.get(handler)
    if (known !== undefined) return known
    const fresh: HandlerProgress = { state: 'to-do', failures: 0 }
    this.#handlers.set(handler, fresh)
    return fresh
  }

  toNote(): string {
    return toHandlingNote(this.#handlers)
  }

  /** What is kept when the event is given up: who is done, and not how; so that a requeued event runs the others only, and counts anew. */
  toNoteOfTheDead(): string | undefined {
    const done = [...this.#handlers].filter(([, { state }]) => state === 'done')
    return done.length === 0 ? undefined : toHandlingNote(done.map(([name]) => [name, { state: 'done', failures: 0 }]))
  }
}

export function handlingError(error: unknown, at: number): HandlingError {
  if (!(error instanceof Error)) return { message: textOf(error), at }
  const stack: unknown = error.stack
  return { message: textOf(error.message), ...(typeof stack === 'string' && { stack: bounded(stack) }), at }
}

/** As much of a message or of a stack as is kept. */
export function bounded(text: string): string {
  return text.slice(0, MAX_TEXT)
}

/** What was thrown. An error stands for what cannot be looked at: a proxy, or a getter of an error, may throw itself. */
export function legible(thrown: unknown): unknown {
  try {
    if (thrown instanceof Error) handlingError(thrown, 0)
    return thrown
  } catch {
    return new EventSystemError('handler_failed', 'What was thrown cannot be read: reading it throws.')
  }
}

/** Whatever was thrown: it may be something that no text can be made of. */
function textOf(thrown: unknown): string {
  try {
    return bounded(String(thrown))
  } catch {
    return `${typeof thrown} without a text`
  }
}
