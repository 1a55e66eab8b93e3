import { EventSystemError } from '@tradpal/events'

/** A line of a text and where it stands. */
export interface Line {
  /** From 1. */
  readonly number: number
  readonly text: string
}

/** A line of so many bytes is no event, and is not gathered in memory. */
const MAX_LINE_BYTES = 64 * 1_048_576
const LF = 0x0a

/** The lines of UTF-8 bytes, a group for each chunk that completes some: what has arrived need not wait for what has not. */
export async function* readLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Line[]> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let rest: Uint8Array[] = []
  let restBytes = 0
  let number = 0

  const lineOf = (bytes: Uint8Array): Line => {
    number += 1
    try {
      // The decoder drops a byte order mark.
      return { number, text: decoder.decode(bytes) }
    } catch (cause) {
      throw new EventSystemError('invalid_json', `Line ${number} is not UTF-8, and so no JSON.`, { cause })
    }
  }

  for await (const chunk of chunks) {
    const lines: Line[] = []
    let start = 0
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
      const tail = chunk.subarray(start, end)
      lines.push(lineOf(rest.length === 0 ? tail : Buffer.concat([...rest, tail])))
      rest = []
      restBytes = 0
      start = end + 1
    }
    if (start < chunk.length) rest.push(chunk.subarray(start))
    restBytes += chunk.length - start
    if (restBytes > MAX_LINE_BYTES) {
      throw new EventSystemError(
        'invalid_json',
        `Line ${number + 1} is longer than ${MAX_LINE_BYTES} bytes: is this NDJSON?`
      )
    }
    if (lines.length > 0) yield lines
  }
  if (rest.length > 0) yield [lineOf(Buffer.concat(rest))]
}
