// By its default export: a Node without zstd is to say which Node the library needs, and not that an export is missing.
import zlib from 'node:zlib'
import { EventSystemError } from '@tradpal/events'
import type { ContentStage, StageContext } from '../stage.ts'

const APPLIED = { name: 'zstd' }
/** The room that the name of the stage takes in an envelope, in bytes. */
const NAME_BYTES = JSON.stringify(APPLIED).length + 1
/** Less content gains little, and compressing it costs tens of microseconds like more. */
const MIN_BYTES = 256
/** A frame that asks its reader for more memory is refused: 8 MiB, the limit that RFC 8878 recommends. The frames of this stage ask for 2 MiB at most. */
const MAX_WINDOW_LOG = 23
const TOO_LARGE = new Set(['ERR_BUFFER_TOO_LARGE', 'ZSTD_error_frameParameter_windowTooLarge'])

/** Zstandard at its default level, where it makes content smaller. `maxBytes`: of {@link zstdReader}. */
export function zstdStage(maxBytes: number): ContentStage {
  return {
    ...zstdReader(maxBytes),
    isOptional: true,
    write(content, { head }) {
      if (content.length < MIN_BYTES) return undefined
      const compressed = zlib.zstdCompressSync(content, { pledgedSrcSize: content.length })
      if (compressed.length + NAME_BYTES >= content.length) return undefined
      return { head: head.with(APPLIED), content: compressed }
    }
  }
}

/** Reads compressed events and writes none. `maxBytes`: content that would unpack to more is refused. */
export function zstdReader(maxBytes: number): ContentStage {
  const limits = { maxOutputLength: maxBytes, params: { [zlib.constants.ZSTD_d_windowLogMax]: MAX_WINDOW_LOG } }
  return {
    name: APPLIED.name,
    /** Throws `payload_too_large`, and `invalid_event` for content that is damaged. */
    read(content, _, context) {
      try {
        return zlib.zstdDecompressSync(content, limits)
      } catch (error) {
        throw refused(error as NodeJS.ErrnoException, context, maxBytes)
      }
    }
  }
}

function refused(cause: NodeJS.ErrnoException, { event }: StageContext, maxBytes: number): EventSystemError {
  const which = `The event ${JSON.stringify(event.eventId)}`
  if (TOO_LARGE.has(cause.code ?? '')) {
    const message = `${which} unpacks to more than ${maxBytes} bytes, the most that an event may have here (EVENT_MAX_EVENT_BYTES).`
    return new EventSystemError('payload_too_large', message, { cause })
  }
  return new EventSystemError('invalid_event', `${which} cannot be unpacked: its content is no whole zstd frame.`, {
    cause
  })
}
