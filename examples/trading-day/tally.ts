import type { Event, EventData, StoredEvent } from '@tradpal/event-system'
import type { Advice } from './crossover.ts'

export interface OrderLine {
  readonly symbol: string
  readonly date: string
  readonly side: string
  readonly quantity: number
  readonly price: number
  readonly commission: number
}

export interface AlertLine {
  readonly date: string
  /** 0 to 1. */
  readonly drawdown: number
}

/** What a run comes to: the same whatever was killed on the way, and the same as the independent reference says. */
export interface Figures {
  /** In dollars, as is the equity. */
  readonly cash: number
  readonly equity: number
  /** Shares by symbol. */
  readonly positions: Readonly<Record<string, number>>
  readonly signals: Readonly<Record<Advice, number>>
  readonly orders: readonly OrderLine[]
  readonly alerts: readonly AlertLine[]
  /** How many events of each type the log holds. */
  readonly eventsByType: Readonly<Record<string, number>>
}

/** Follows the log and keeps what the screen and the final figures need. */
export class Tally {
  readonly prices = new Map<string, { readonly price: number; readonly date: string }>()
  readonly #byType = new Map<string, number>()
  readonly #signals = { BUY: 0, SELL: 0, HOLD: 0 }
  readonly #orders: OrderLine[] = []
  readonly #alerts: AlertLine[] = []
  #account: EventData<'portfolio_update'> = {}
  /** The last order: its lineage is shown in the end. */
  lastOrder: StoredEvent | undefined
  total = 0

  add(event: StoredEvent): void {
    this.total++
    this.#byType.set(event.eventType, this.count(event.eventType) + 1)
    const date = event.timestamp.slice(0, 10)
    if (is(event, 'market_data_update')) {
      this.prices.set(event.data.symbol, { price: Number(event.data.price), date })
    } else if (is(event, 'trading_signal')) {
      this.#signals[event.data.signal]++
    } else if (is(event, 'order_executed')) {
      const { symbol, side, quantity, price, commission } = event.data
      this.#orders.push({ symbol, date, side, quantity, price, commission: Number(commission) })
      this.lastOrder = event
    } else if (is(event, 'portfolio_update')) {
      this.#account = event.data
    } else if (is(event, 'risk_alert')) {
      this.#alerts.push({ date, drawdown: Number(event.data.value) })
    }
  }

  count(eventType: string): number {
    return this.#byType.get(eventType) ?? 0
  }

  /** Every price has its signal, every BUY and SELL its order, and every price and order its portfolio update. */
  get settled(): boolean {
    const { BUY, SELL } = this.#signals
    const prices = this.count('market_data_update')
    const orders = this.count('order_executed')
    return (
      this.count('trading_signal') === prices &&
      orders === BUY + SELL &&
      this.count('portfolio_update') === prices + orders
    )
  }

  get figures(): Figures {
    const { cash = 0, total_value: equity = 0, positions = {} } = this.#account
    return {
      cash,
      equity,
      positions: positions as Record<string, number>,
      signals: { ...this.#signals },
      orders: [...this.#orders],
      alerts: [...this.#alerts],
      eventsByType: Object.fromEntries([...this.#byType].sort())
    }
  }
}

function is<T extends string>(event: Event, eventType: T): event is Event & Event<T> {
  return event.eventType === eventType
}
