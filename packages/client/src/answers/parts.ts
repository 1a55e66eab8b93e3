import { EventSystemError } from '@tradpal/events'
import type { JsonParts } from '../json-object.ts'

export function partsOf(value: unknown): JsonParts {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonParts
  throw lacking('an object was expected.')
}

export function textOf(value: unknown, key: string): string {
  const text = partsOf(value)[key]
  if (typeof text === 'string') return text
  throw lacking(`${key} is missing or no text.`)
}

export function textOrNull(value: unknown, key: string): string | null {
  return partsOf(value)[key] === null ? null : textOf(value, key)
}

export function numberOf(value: unknown, key: string): number {
  const number = partsOf(value)[key]
  if (typeof number === 'number') return number
  throw lacking(`${key} is missing or no number.`)
}

export function booleanOf(value: unknown, key: string): boolean {
  const boolean = partsOf(value)[key]
  if (typeof boolean === 'boolean') return boolean
  throw lacking(`${key} is missing or neither true nor false.`)
}

export function numberOrNull(value: unknown, key: string): number | null {
  return partsOf(value)[key] === null ? null : numberOf(value, key)
}

export function numbersOf(value: unknown, key: string): number[] {
  const list = listOf(value, key)
  if (list.every((item) => typeof item === 'number')) return [...list]
  throw lacking(`${key} holds something other than numbers.`)
}

export function listOf(value: unknown, key: string): readonly unknown[] {
  const list = partsOf(value)[key]
  if (Array.isArray(list)) return list
  throw lacking(`${key} is missing or no list.`)
}

export function textsOf(value: unknown, key: string): string[] {
  const list = listOf(value, key)
  if (list.every((item) => typeof item === 'string')) return [...list]
  throw lacking(`${key} holds something other than texts.`)
}

export function lacking(message: string): EventSystemError {
  return new EventSystemError('http_error', message)
}
