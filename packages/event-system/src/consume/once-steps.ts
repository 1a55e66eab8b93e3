import { EventSystemError, parseJson, stringifyJson } from '@tradpal/events'
import type { TextVault } from '../codec/index.ts'
import type { AppendEntry, Collection, Document, Storage, Write } from '../log/index.ts'

/** One step of the handling of an event. */
export interface Step {
  readonly eventId: string
  /** Unique for the event within its group. */
  readonly step: string
}

/** What a handler published: appended once, since the ledger keeps the step. */
export interface Effects {
  readonly append: readonly AppendEntry[]
  /** Of the step, and refused when the effects were appended before. */
  readonly write: Write
}

export interface OnceStepsParts {
  readonly storage: Pick<Storage, 'collections' | 'commit'>
  readonly group: string
  /** A step is remembered for at least this long, and at most twice as long, in ms. */
  readonly keepMs: number
  readonly vault: TextVault | undefined
}

/** A step that has begun, and of which nobody has said how it ended. */
const BEGUN = ''
const DONE = 'done'
/** Why a value stays sealed or unread, though it counts that there is one. */
const STILL_DONE: ReadonlySet<string> = new Set(['shredded', 'not_encrypted'])

/**
 * The ledger of a group: which steps of an event's handling were taken, and what came of them. It outlives the group: one that is made
 * again under the same name finds it. What steps returned is sealed where the log is encrypted.
 */
export class OnceSteps {
  readonly #storage: OnceStepsParts['storage']
  readonly #group: string
  readonly #ledger: Collection
  readonly #vault: TextVault | undefined

  constructor({ storage, group, keepMs, vault }: OnceStepsParts) {
    this.#storage = storage
    this.#group = group
    this.#ledger = { name: `ledger:${group}`, keepMs }
    this.#vault = vault
  }

  /**
   * Runs a step at most once for an event: the ledger is told before it begins, and what came of it after. Resolves to what it returned,
   * also to those who come later. `payload`: as the event was delivered.
   */
  async once<Result>(
    { eventId, payload }: { readonly eventId: string; readonly payload: string | null },
    step: string,
    run: () => Result | Promise<Result>
  ): Promise<Result> {
    const before = await this.#begin({ eventId, step })
    if (before !== undefined) return this.#resultOf<Result>(before, { eventId, step })
    const result = await this.#run({ eventId, step }, run)
    await this.#write({ eventId, step }, await this.#sealed(stringifyJson({ result }), { eventId, step }, payload))
    return result
  }

  /** Which of these steps of an event are done. Throws `key_missing` and `decryption_failed`. */
  async done(eventId: string, steps: readonly string[]): Promise<Set<string>> {
    const documents = await this.#storage.collections.get(
      this.#ledger,
      steps.map((step) => idOf({ eventId, step }))
    )
    const ended = steps.map((step, i) => ({ step, value: documents[i]?.value ?? BEGUN }))
    for (const { step, value } of ended) await this.#mustBeReadable(value, { eventId, step })
    return new Set(ended.filter(({ value }) => value !== BEGUN).map(({ step }) => step))
  }

  /** What a unit writes when a step is done. */
  doneWrite(step: Step): Write {
    return { collection: this.#ledger, id: idOf(step), value: DONE }
  }

  /** What a unit writes with the effects of a step: it is refused when they were appended before. */
  firstWrite(step: Step): Write {
    return { ...this.doneWrite(step), expected: 0 }
  }

  /** Resolves to what the ledger had of the step: of two that begin the same, one gets `undefined`. */
  async #begin(step: Step): Promise<Document | undefined> {
    for (;;) {
      const write = { collection: this.#ledger, id: idOf(step), value: BEGUN, expected: 0 }
      const [result] = await this.#storage.commit([{ write: [write] }])
      if (result?.kind === 'committed') return undefined
      const [before] = await this.#storage.collections.get(this.#ledger, [idOf(step)])
      if (before !== undefined) return before
    }
  }

  /** A step that throws has not taken effect, as far as its author says: it may run again. */
  async #run<Result>(step: Step, run: () => Result | Promise<Result>): Promise<Result> {
    try {
      return await run()
    } catch (error) {
      await this.#write(step, null)
      throw error
    }
  }

  async #write(step: Step, value: string | null): Promise<void> {
    await this.#storage.commit([{ write: [{ collection: this.#ledger, id: idOf(step), value }] }])
  }

  async #resultOf<Result>({ value }: Document, { eventId, step }: Step): Promise<Result> {
    if (value !== BEGUN) return (parseJson(await this.#opened(value, { eventId, step })) as { result: Result }).result
    throw new EventSystemError(
      'step_interrupted',
      `The step ${step} of the event ${eventId} began and was cut off: find out whether it took effect, then reject the event or mend it by hand.`
    )
  }

  /** With the key of the customer whose event it was, where that has one. */
  async #sealed(value: string, step: Step, payload: string | null): Promise<string> {
    if (this.#vault === undefined) return value
    await this.#vault.prepare([payload])
    return this.#vault.sealFor(payload, this.#placeOf(step), value)
  }

  /** Throws `key_missing`, `shredded`, `decryption_failed` and `not_encrypted`. */
  async #opened(value: string, step: Step): Promise<string> {
    if (this.#vault === undefined || value === DONE) return value
    await this.#vault.prepare([value])
    return this.#vault.open(this.#placeOf(step), value)
  }

  async #mustBeReadable(value: string, step: Step): Promise<void> {
    if (value === BEGUN) return
    try {
      await this.#opened(value, step)
    } catch (error) {
      if (!(error instanceof EventSystemError && STILL_DONE.has(error.code))) throw error
    }
  }

  #placeOf({ eventId, step }: Step): string[] {
    return ['ledger', this.#group, eventId, step]
  }
}

function idOf({ eventId, step }: Step): string {
  // The id of an event that another program wrote may have half a character, and that of a document has none.
  return `${eventId} ${step}`.toWellFormed()
}
