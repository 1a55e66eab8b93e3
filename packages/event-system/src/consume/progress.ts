import type { HandlingError } from '../log/index.ts'

/** How far one handler is with one event. */
export interface HandlerProgress {
  /** `gaveUp`: it will not be tried again, and is why the event is dead. */
  state: 'to-do' | 'done' | 'exhausted' | 'rejected'
  failures: number
  firstError?: HandlingError
  lastError?: HandlingError
  /** Not to be tried before this time, ms since the epoch. */
  dueAt?: number
}

/** Of a stack, so many characters are kept. */
const MAX_STACK = 8_000

/**
 * How far the handlers are with one event, by their names. It is kept as the note of the entry, so that whoever gets the
 * entry next, in this process or another, runs only what is left to do, and counts on.
 */
export class Progress {
  readonly #handlers: Map<string, HandlerProgress>

  private constructor(handlers: Map<string, HandlerProgress>) {
    this.#handlers = handlers
  }

  /** A note that this version cannot read counts for none. */
  static from(note: string | undefined): Progress {
    return new Progress(new Map(Object.entries(note === undefined ? {} : parsed(note))))
  }

  of(handler: string): HandlerProgress {
    const known = this.#handlers.get(handler)
    if (known !== undefined) return known
    const fresh: HandlerProgress = { state: 'to-do', failures: 0 }
    this.#handlers.set(handler, fresh)
    return fresh
  }

  toNote(): string {
    return JSON.stringify({ handlers: Object.fromEntries(this.#handlers) })
  }

  /** What is kept when the event is given up: who is done, so that a requeued event runs the others only, and counts anew. */
  toNoteOfTheDead(): string | undefined {
    const done = [...this.#handlers].filter(([, { state }]) => state === 'done')
    return done.length === 0 ? undefined : JSON.stringify({ handlers: Object.fromEntries(done) })
  }
}

export function handlingError(error: unknown, at: number): HandlingError {
  if (!(error instanceof Error)) return { message: textOf(error), at }
  return {
    message: textOf(error.message),
    ...(error.stack === undefined ? {} : { stack: error.stack.slice(0, MAX_STACK) }),
    at
  }
}

/** Whatever was thrown: it may be something that no text can be made of. */
function textOf(thrown: unknown): string {
  try {
    return String(thrown)
  } catch {
    return `${typeof thrown} without a text`
  }
}

function parsed(note: string): Record<string, HandlerProgress> {
  try {
    return (JSON.parse(note) as { handlers?: Record<string, HandlerProgress> }).handlers ?? {}
  } catch {
    return {}
  }
}
