import { EventSystemError, type StoredEvent } from '@tradpal/events'
import { eventFrom } from './answers/index.ts'
import { LineDecoder } from './frames.ts'
import { readObject } from './json-object.ts'
import { failureInStream } from './service-error.ts'
import type { ByteStream } from './transport.ts'

const CALL = 'POST /events/replay'

/** The events of an NDJSON replay, as they come, each as `answer` makes it. What ends it before its end is an error, never a short replay. */
export async function* replayedEvents<E>(
  opening: () => Promise<ByteStream>,
  answer: (event: StoredEvent) => E
): AsyncGenerator<E, undefined> {
  const stream = await opening()
  const lines = new LineDecoder()
  try {
    for (let bytes = await stream.read(); bytes !== undefined; bytes = await stream.read()) {
      for (const line of lines.feed(bytes)) yield answer(replayedEvent(line))
    }
    const rest = lines.end()
    if (rest === '') return
    const { cause } = readObject(rest)
    if (cause?.code === 'invalid_json') {
      const sentence = `The connection of ${CALL} broke in the middle of an event.`
      throw new EventSystemError('service_unavailable', sentence, { cause })
    }
    yield answer(replayedEvent(rest))
  } finally {
    stream.close()
  }
}

/** A service that fails in the middle has sent its status already: it ends the lines with a problem document. */
function replayedEvent(line: string): StoredEvent {
  const reading = readObject(line)
  const { object, cause } = reading
  if (object === undefined) {
    throw new EventSystemError('http_error', `${CALL} sent a line that cannot be read: ${cause.message}`, { cause })
  }
  if (object.event_type === undefined) throw failureInStream(CALL, reading)
  return eventFrom(CALL, object)
}
