import { ageMs, EventSystemError } from '@tradpal/events'
import type { RetentionLimits } from './policy.ts'

const UNITS: Readonly<Record<string, number>> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 }

/** `1048576`, `500MiB`, `10GiB`, in bytes. Throws `invalid_options`. */
export function parseBytes(text: string): number {
  return (
    bytesOf(/^\d+$/.test(text) ? `${text}B` : text) ?? refuse(`${quoted(text)} is no size such as 500MiB or 10GiB.`)
  )
}

/**
 * `market_data_update=1d,order_executed=7y`: of a type, how old, how many (`100000`) or how large (`10GiB`); several of
 * these with a slash between: `1d/10GiB`. Throws `invalid_options`.
 */
export function parseLimitsByType(text: string): Record<string, RetentionLimits> {
  return Object.fromEntries(
    text.split(',').map((part) => {
      const [, type, limits] = /^\s*([^=\s]+)\s*=\s*(\S+)\s*$/.exec(part) ?? []
      if (type !== undefined && limits !== undefined) return [type, parseLimits(limits)]
      return refuse(`${quoted(part)} is no limit of a type such as market_data_update=1d.`)
    })
  )
}

function parseLimits(text: string): RetentionLimits {
  return Object.assign({}, ...text.split('/').map(parseLimit))
}

function parseLimit(text: string): RetentionLimits {
  if (/^\d{1,15}$/.test(text)) return { maxLength: Number(text) }
  const maxAgeMs = ageMs(text)
  if (maxAgeMs !== undefined) return { maxAgeMs }
  const maxBytes = bytesOf(text)
  if (maxBytes !== undefined) return { maxBytes }
  return refuse(`${quoted(text)} is no limit: an age such as 30d, a number of events, or a size such as 10GiB.`)
}

function bytesOf(text: string): number | undefined {
  const [, count, unit = ''] = /^(\d+(?:\.\d+)?)([A-Za-z]+)$/.exec(text) ?? []
  const factor = Object.hasOwn(UNITS, unit) ? UNITS[unit] : undefined
  const bytes = factor === undefined ? undefined : Math.round(Number(count) * factor)
  return bytes !== undefined && Number.isSafeInteger(bytes) ? bytes : undefined
}

function quoted(text: string): string {
  return JSON.stringify(text)
}

function refuse(message: string): never {
  throw new EventSystemError('invalid_options', message)
}
