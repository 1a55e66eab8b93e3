import type { Collections, Document, Write } from '../../port.ts'
import { firstMinuteKept, RATES, type Tally } from '../../rates.ts'

/** The most old minutes that are removed for each minute that begins. */
const REMOVED_FOR_EACH = 2

/** The writes that add a tally to the counts, and remove minutes that were kept long enough. */
export async function rateWrites(collections: Collections, tally: Tally, now: number): Promise<Write[]> {
  const { ids } = tally
  const documents = await collections.get(RATES, ids)
  const counted = ids.map((id, i) => counting(id, documents[i], tally))
  const newMinutes = ids.filter((id, i) => id.startsWith('minute:') && documents[i] === undefined)
  return [...counted, ...(await removals(collections, newMinutes, now))]
}

function counting(id: string, document: Document | undefined, tally: Tally): Write {
  return { collection: RATES, id, value: tally.countedIn(id, document?.value), expected: document?.revision ?? 0 }
}

async function removals(collections: Collections, newMinutes: readonly string[], now: number): Promise<Write[]> {
  if (newMinutes.length === 0) return []
  const keptFrom = firstMinuteKept(now)
  const oldest = await collections.list(RATES, { prefix: 'minute:', limit: REMOVED_FOR_EACH * newMinutes.length })
  return oldest
    .filter(({ id }) => id < keptFrom && !newMinutes.includes(id))
    .map(({ id, revision }) => ({ collection: RATES, id, value: null, expected: revision }))
}
