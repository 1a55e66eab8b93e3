import { cents, dollars } from './money.ts'
import { DRAWDOWN_LIMIT, STARTING_CASH } from './parameters.ts'

interface Order {
  readonly symbol: string
  readonly side: string
  readonly quantity: number
  readonly price: number
  readonly commission: number
}

/** Cash, shares and the last price of each symbol, and how far their worth is below its best. */
export class Account {
  #cash = cents(STARTING_CASH)
  #highest = cents(STARTING_CASH)
  #alarmed = false
  readonly #shares = new Map<string, number>()
  readonly #prices = new Map<string, number>()

  mark(symbol: string, price: number): void {
    this.#prices.set(symbol, cents(price))
  }

  apply({ symbol, side, quantity, price, commission }: Order): void {
    const bought = side === 'BUY' ? quantity : -quantity
    this.#cash -= bought * cents(price) + cents(commission)
    this.#shares.set(symbol, (this.#shares.get(symbol) ?? 0) + bought)
  }

  /** In dollars; symbols of which there are no shares are left out. */
  statement() {
    const positions = Object.fromEntries([...this.#shares].filter(([, shares]) => shares > 0).sort())
    return { cash: dollars(this.#cash), total_value: dollars(this.#equity()), positions }
  }

  /**
   * Compares the equity at the close of a date with its highest close. Returns the drawdown, 0 to 1, when it has passed the
   * limit since the last highest close; `undefined` when it has not, or was reported already.
   */
  closeDate(): number | undefined {
    const equity = this.#equity()
    if (equity >= this.#highest) {
      this.#highest = equity
      this.#alarmed = false
    }
    const drawdown = (this.#highest - equity) / this.#highest
    if (this.#alarmed || drawdown <= DRAWDOWN_LIMIT) return undefined
    this.#alarmed = true
    return drawdown
  }

  #equity(): number {
    return [...this.#shares].reduce(
      (sum, [symbol, shares]) => sum + shares * (this.#prices.get(symbol) ?? 0),
      this.#cash
    )
  }
}
