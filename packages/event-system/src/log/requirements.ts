import { EventSystemError } from '@tradpal/events'
import type { Storage, Unit } from './port.ts'

/**
 * Refuses a feature of the library whose units combine more than the storage does in one step ({@link StorageFeatures.atomic}). Throws
 * `unsupported`.
 */
export function mustCombine(
  { features, kind, location }: Pick<Storage, 'features' | 'kind' | 'location'>,
  feature: string,
  parts: readonly (keyof Unit)[]
): void {
  const missing = parts.filter((part) => !features.atomic.has(part))
  if (missing.length === 0) return
  const sentence = `${feature} cannot be kept in ${kind} at ${location}: one atomic step must combine ${parts.join(', ')}, and there it has no ${missing.join(', no ')}. Open a storage that combines them.`
  throw new EventSystemError('unsupported', sentence)
}
