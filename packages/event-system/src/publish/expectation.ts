import { assertExpectedVersions, assertStreamKey, EventSystemError, type StreamVersion } from '@tradpal/events'
import type { AppendEntry } from '../log/index.ts'

/** Of what it is that is published, and which version of that the publisher has seen. */
export interface ExpectationOptions {
  /** Of what the event is, or each event of the batch: an account, an order. It is counted with each. Such a publish never goes into the spool. 1 to 200 characters, none of them a control character. */
  readonly streamKey?: string
  /** Publishes only if the key still has this version, else rejects with `version_conflict`, nothing written: 0 for a key that must be new. Default: whatever it has. */
  readonly expectedVersion?: number
}

/** What an append is to expect; nothing for most. Throws `invalid_argument`: what is wrong must not reach an append that others share. */
export function expectationOf({
  streamKey,
  expectedVersion
}: ExpectationOptions): readonly StreamVersion[] | undefined {
  if (streamKey !== undefined) assertStreamKey(streamKey)
  if (expectedVersion === undefined) return undefined
  if (streamKey === undefined) {
    throw new EventSystemError('invalid_argument', 'expectedVersion is the version of a streamKey; give both.')
  }
  const expected = [{ key: streamKey, version: expectedVersion }]
  assertExpectedVersions(expected)
  return expected
}

export function withStreamKey(
  entries: readonly AppendEntry[],
  { streamKey }: ExpectationOptions
): readonly AppendEntry[] {
  if (streamKey === undefined) return entries
  return entries.map(({ eventId, eventType, payload }) => ({ eventId, eventType, payload, streamKey }))
}
