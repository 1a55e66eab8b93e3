import type { JsonObject } from '../json-value.ts'

const WORDS = /^(?:buy|sell|hold)$/i

/** The data with the field in upper case where it is `buy`, `sell` or `hold` in another case. */
export function withUpperCase(data: JsonObject, field: 'signal' | 'side'): JsonObject {
  const word = data[field]
  if (typeof word !== 'string' || !WORDS.test(word) || word === word.toUpperCase()) return data
  return { ...data, [field]: word.toUpperCase() }
}
