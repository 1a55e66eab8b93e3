import { isJsonObject, type JsonObject, type JsonValue } from '../json-value.ts'
import { withUpperCase } from './upper-case.ts'

/**
 * An order_executed of version 0 may have its side, quantity and price in the object `execution` alone, the side there as
 * `action` too. What is missing or null in the data is taken from there, where it has a value that an execution can have.
 * The side may have either case.
 */
export function upcastOrderExecuted(data: JsonObject): JsonObject {
  return withUpperCase(withExecution(data), 'side')
}

function withExecution(data: JsonObject): JsonObject {
  const { execution } = data
  if (!isJsonObject(execution)) return data
  const found = {
    side: [execution.side, execution.action].find(isSide),
    quantity: [execution.quantity].find(isPositive),
    price: [execution.price].find(isPositive)
  }
  const taken = Object.entries(found).filter(([name, value]) => value !== undefined && isMissing(data[name]))
  return taken.length === 0 ? data : { ...data, ...Object.fromEntries(taken) }
}

function isMissing(value: JsonValue | undefined): boolean {
  return value === undefined || value === null
}

function isSide(value: JsonValue | undefined): boolean {
  return typeof value === 'string' && /^(?:buy|sell)$/i.test(value)
}

function isPositive(value: JsonValue | undefined): boolean {
  return (typeof value === 'number' || typeof value === 'bigint') && value > 0
}
