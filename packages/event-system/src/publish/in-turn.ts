/** Lets calls that have to wait for something go on in the order in which they came; those that have nothing to wait for too, while others wait. */
export class InTurn {
  #last: Promise<void> | undefined

  /** What a call has to await before it goes on, well or not. Undefined: nothing, it may go on at once. Rejects as `needs` does. */
  after(needs: Promise<void> | undefined): Promise<void> | undefined {
    const before = this.#last
    if (needs === undefined && before === undefined) return undefined
    const turn = both(before, needs)
    const settled: Promise<void> = turn.then(
      () => this.#leave(settled),
      () => this.#leave(settled)
    )
    this.#last = settled
    return turn
  }

  /** Resolves when nobody waits any more. */
  async idle(): Promise<void> {
    while (this.#last !== undefined) await this.#last
  }

  #leave(settled: Promise<void>): void {
    if (this.#last === settled) this.#last = undefined
  }
}

async function both(before: Promise<void> | undefined, needs: Promise<void> | undefined): Promise<void> {
  // What fails meanwhile is told when its turn has come.
  needs?.catch(() => {})
  await before
  await needs
}
