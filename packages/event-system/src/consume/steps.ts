import { EventSystemError, parseJson, stringifyJson } from '@tradpal/events'
import type { Ledger } from '../log/index.ts'

/** Steps that run at most once: the ledger is told before they begin, and what came of them after. */
export class Steps {
  readonly #ledger: Ledger

  constructor(ledger: Ledger) {
    this.#ledger = ledger
  }

  /** `payload`: as the event was delivered. */
  async once<Result>(
    { eventId, payload }: { readonly eventId: string; readonly payload: string | null },
    step: string,
    run: () => Result | Promise<Result>
  ): Promise<Result> {
    const before = await this.#ledger.begin(eventId, step)
    if (before !== undefined) return resultOf<Result>(before.value, eventId, step)
    const result = await this.#run(eventId, step, run)
    await this.#ledger.write([{ eventId, step, value: stringifyJson({ result }), payload }])
    return result
  }

  /** A step that throws has not taken effect, as far as its author says: it may run again. */
  async #run<Result>(eventId: string, step: string, run: () => Result | Promise<Result>): Promise<Result> {
    try {
      return await run()
    } catch (error) {
      await this.#ledger.forget(eventId, step)
      throw error
    }
  }

  /** Which of these steps of an event are done. */
  async done(eventId: string, steps: readonly string[]): Promise<Set<string>> {
    const entries = await this.#ledger.read([eventId])
    return new Set(entries.filter(({ step, value }) => value !== null && steps.includes(step)).map(({ step }) => step))
  }
}

function resultOf<Result>(value: string | null, eventId: string, step: string): Result {
  if (value !== null) return (parseJson(value) as { result: Result }).result
  throw new EventSystemError(
    'step_interrupted',
    `The step ${step} of the event ${eventId} began and was cut off: find out whether it took effect, then reject the event or mend it by hand.`
  )
}
