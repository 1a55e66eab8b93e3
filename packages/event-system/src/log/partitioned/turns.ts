/** Runs calls one after the other, in the order in which they came. One that fails keeps none from its turn. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve()

  take<Result>(call: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(call)
    this.#last = result.catch(() => {})
    return result
  }
}
