import { EventSystemError } from '@tradpal/events'
import { createParser, type EventSourceMessage } from 'eventsource-parser'

/** No event comes near this; a service that sends such a frame or line is none. */
const LONGEST_TEXT = 16 * 1024 * 1024

/** Bytes of a Server-Sent Events stream, cut anywhere, to its complete frames. Comments count as bytes and are no frames. */
export class FrameDecoder {
  readonly #text = new TextDecoder()
  #frames: EventSourceMessage[] = []
  #overflow: Error | undefined
  readonly #parser = createParser({
    maxBufferSize: LONGEST_TEXT,
    onEvent: (frame) => this.#frames.push(frame),
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded') this.#overflow = error
    }
  })

  feed(bytes: Uint8Array): EventSourceMessage[] {
    this.#parser.feed(this.#text.decode(bytes, { stream: true }))
    if (this.#overflow !== undefined) throw tooLong('frame', this.#overflow)
    const frames = this.#frames
    this.#frames = []
    return frames
  }
}

/** Bytes of newline-delimited text, cut anywhere, to its complete lines. */
export class LineDecoder {
  readonly #text = new TextDecoder()
  #rest = ''

  feed(bytes: Uint8Array): string[] {
    const lines = (this.#rest + this.#text.decode(bytes, { stream: true })).split('\n')
    this.#rest = lines.pop() ?? ''
    if (this.#rest.length > LONGEST_TEXT) throw tooLong('line')
    return lines.filter((line) => line.trim() !== '')
  }

  /** What stands after the last newline. */
  end(): string {
    return (this.#rest + this.#text.decode()).trim()
  }
}

function tooLong(unit: string, cause?: Error): EventSystemError {
  return new EventSystemError('http_error', `The service sent a ${unit} of more than ${LONGEST_TEXT} characters.`, {
    cause
  })
}
