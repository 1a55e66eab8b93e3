/** What the services of this example say beside the platform's own fields. */
declare module '@tradpal/events' {
  interface MarketDataUpdateData {
    /** Whether it is the last price of its date. */
    last_of_date?: boolean
  }

  interface OrderExecutedData {
    /** What the broker took, in dollars. */
    commission?: number
  }
}

export {}
