import { labelInPayload } from '../../src/log/conformance/labelled.ts'
import type { Entry, EntryLabel } from '../../src/log/port.ts'

/** Says of an entry what the payload of a labelled one says. Others of the suite hold no label, and are of one type. */
export async function labelsOf(entries: readonly Entry[]): Promise<(EntryLabel | undefined)[]> {
  return entries.map(({ payload }) => labelInPayload(payload))
}
