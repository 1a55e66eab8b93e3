import type { Event } from './event.ts'

/** The key of an event, what it must stay in order with, when nobody says otherwise: the symbol that its data names. Undefined without one. */
export function symbolOf({ data }: Event): string | undefined {
  const { symbol } = data
  return typeof symbol === 'string' && symbol !== '' ? symbol : undefined
}
