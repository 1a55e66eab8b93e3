import { isJsonObject, type JsonObject } from '../json-value.ts'
import { withUpperCase } from './upper-case.ts'

/**
 * A trading_signal of version 0 may have its signal in `action`, or in an object of its own. The fields of that object are
 * lifted to where the data have no such field, or null in it. A signal that is a text wins over all of that.
 * The signal may have either case.
 */
export function upcastTradingSignal(data: JsonObject): JsonObject {
  return withUpperCase(withSignal(data), 'signal')
}

function withSignal(data: JsonObject): JsonObject {
  const { signal } = data
  if (isJsonObject(signal)) return withActionAsSignal(lifted(data, signal)) ?? data
  return signal === undefined || signal === null ? (withActionAsSignal(data) ?? data) : data
}

/** The data without their signal, and with the fields of the object in which it stood. */
function lifted({ signal: _, ...data }: JsonObject, nested: JsonObject): JsonObject {
  const missing = Object.entries(nested).filter(([name]) => data[name] === undefined || data[name] === null)
  return { ...data, ...Object.fromEntries(missing) }
}

/** Undefined for data that have neither. */
function withActionAsSignal(data: JsonObject): JsonObject | undefined {
  if (typeof data.signal === 'string') return data
  const { action, ...others } = data
  return typeof action === 'string' ? { ...others, signal: action } : undefined
}
