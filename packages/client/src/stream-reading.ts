import type * as Api from '@tradpal/event-api'
import {
  answerOf,
  assertFromVersion,
  assertStreamKey,
  onlyOptions,
  type ReadOptions,
  type StreamEvent
} from '@tradpal/events'
import { streamPageOf } from './answers/index.ts'
import { queryOf } from './query.ts'
import type { Transport } from './transport.ts'

/** The most that the service gives at once. */
const PAGE = 1_000

export interface StreamOptions<Raw extends boolean = false> extends ReadOptions<Raw> {
  /** From this version on. Default 1, the first. */
  readonly fromVersion?: number
}

/** The events of a stream key, a page at a time. Refuses with `invalid_argument` and `invalid_options`. */
export function streamEvents<Raw extends boolean>(
  transport: Transport,
  streamKey: string,
  options: StreamOptions<Raw>
): AsyncGenerator<StreamEvent<Raw>, void> {
  onlyOptions('readStream()', options, { fromVersion: true, raw: true })
  const { fromVersion = 1, raw } = options
  assertStreamKey(streamKey)
  assertFromVersion(fromVersion)
  return read(fromVersion)

  async function* read(first: number): AsyncGenerator<StreamEvent<Raw>, void> {
    for (let from: number | undefined = first; from !== undefined; ) {
      const query: URLSearchParams = queryOf<Api.StreamEventsQuery>({
        stream_key: streamKey,
        from_version: from,
        limit: PAGE
      })
      const request = { method: 'GET', path: '/versions/events', query, repeat: 'always' } as const
      const { events, nextVersion } = await transport.json(request, streamPageOf)
      for (const { event, version } of events) yield { ...answerOf<string, Raw>(event, raw), streamKey, version }
      from = nextVersion
    }
  }
}
