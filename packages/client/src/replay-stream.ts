import { EventSystemError, type StoredEvent } from '@tradpal/events'
import { storedEvent } from './answers.ts'
import { LineDecoder } from './frames.ts'
import { parseObject } from './json-object.ts'
import { serviceErrorOf } from './service-error.ts'
import type { ByteStream } from './transport.ts'

const CALL = 'POST /events/replay'

/** The events of an NDJSON replay, as they come. What ends it before its end is an error, never a short replay. */
export async function* replayedEvents(opening: () => Promise<ByteStream>): AsyncGenerator<StoredEvent, undefined> {
  const stream = await opening()
  const lines = new LineDecoder()
  try {
    for (let bytes = await stream.read(); bytes !== undefined; bytes = await stream.read()) {
      for (const line of lines.feed(bytes)) yield replayedEvent(line)
    }
    const rest = lines.end()
    if (rest === '') return
    if (parseObject(rest) === undefined) {
      throw new EventSystemError('service_unavailable', `The connection of ${CALL} broke in the middle of an event.`)
    }
    yield replayedEvent(rest)
  } finally {
    stream.close()
  }
}

/** A service that fails in the middle has sent its status already: it ends the lines with a problem document. */
function replayedEvent(line: string): StoredEvent {
  const parts = parseObject(line)
  if (parts === undefined) throw new EventSystemError('http_error', `${CALL} sent a line that is no JSON object.`)
  if (parts.event_type === undefined) {
    throw serviceErrorOf(CALL, { status: Number(parts.status ?? 500), problem: parts })
  }
  return storedEvent(parts)
}
