/** A line of the diary: what a publisher offers, and what it is told of it. */
export interface Entry extends Answer {
  readonly publisher: string
  readonly key: string
  /** The running number of the publisher and the key. */
  readonly number: number
  readonly eventId: string
  /** When, in ms since the epoch. */
  readonly at: number
}

/**
 * `offered` before it is published. Then `published` or `spooled`: it was promised; `refused`: nothing was written, says
 * the code; `unknown`: so is whether it was written. An offer without any of them was cut short by the end of its process.
 * `given up`: it was refused, and is not offered again.
 */
export interface Answer {
  readonly what: 'offered' | 'published' | 'spooled' | 'refused' | 'unknown' | 'given up'
  readonly messageId?: string
  readonly code?: string
}
