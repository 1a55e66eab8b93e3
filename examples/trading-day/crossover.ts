import { cents } from './money.ts'
import { averagesOf } from './parameters.ts'

export type Advice = 'BUY' | 'SELL' | 'HOLD'

/**
 * The moving-average crossover of one symbol: BUY when the fast average of its prices rises above the slow one, SELL when it
 * falls below again, HOLD otherwise. Long only: the first advice that is not HOLD is a BUY.
 */
export class Crossover {
  readonly #fast: number
  readonly #slow: number
  #prices: number[] = []
  #above: boolean | undefined
  #invested = false

  constructor(symbol: string) {
    const { fast, slow } = averagesOf(symbol)
    this.#fast = fast
    this.#slow = slow
  }

  /** Takes the next price, in dollars. */
  next(price: number): Advice {
    this.#prices = [...this.#prices, cents(price)].slice(-this.#slow)
    if (this.#prices.length < this.#slow) return 'HOLD'
    const fast = average(this.#prices.slice(-this.#fast))
    const slow = average(this.#prices)
    if (fast === slow) return 'HOLD'
    const wasAbove = this.#above
    this.#above = fast > slow
    if (wasAbove === false && this.#above) return this.#advise('BUY')
    if (wasAbove === true && !this.#above && this.#invested) return this.#advise('SELL')
    return 'HOLD'
  }

  #advise(advice: 'BUY' | 'SELL'): Advice {
    this.#invested = advice === 'BUY'
    return advice
  }
}

function average(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length
}
