/**
 * The steps from version 0 of the platform's own types to version 1: from what services send that know of no versions to
 * what the schemas say. Each is pure and leaves the shape of version 1 unchanged.
 */
import { EventType } from '../event-types.ts'
import type { JsonObject } from '../json-value.ts'
import { upcastOrderExecuted } from './order-executed.ts'
import { upcastTradingSignal } from './trading-signal.ts'

export const platformUpcasters: Readonly<Record<string, (data: JsonObject) => JsonObject>> = {
  [EventType.TRADING_SIGNAL]: upcastTradingSignal,
  [EventType.ORDER_EXECUTED]: upcastOrderExecuted
}
