import type { ServerResponse } from 'node:http'
import { EventSystemError } from '@tradpal/event-system'

type AnswerKind = 'stream' | 'replay' | 'pull'

/** An answer that lasts: it ends when its caller goes away, when the service stops, or by itself. */
export interface LastingAnswer {
  /** Aborted with `aborted` when the caller goes away, with `closed` when the service stops. */
  readonly signal: AbortSignal
  /** Says that the answer is over. */
  end(): void
}

/** The streams, replays and waiting pulls that are open. */
export class LastingAnswers {
  readonly #open = new Map<AbortController, AnswerKind>()
  readonly #onStreams: (streams: number) => void
  #closed = false

  /** `onStreams` is told how many streams are open when one opens or ends. */
  constructor(onStreams: (streams: number) => void) {
    this.#onStreams = onStreams
  }

  get streams(): number {
    return [...this.#open.values()].filter((kind) => kind === 'stream').length
  }

  begin(kind: AnswerKind, response: ServerResponse): LastingAnswer {
    const abort = new AbortController()
    const gone = () => {
      abort.abort(new EventSystemError('aborted', 'The caller went away.'))
      end()
    }
    const end = () => {
      response.off('close', gone)
      if (this.#open.delete(abort) && kind === 'stream') this.#onStreams(this.streams)
    }
    this.#open.set(abort, kind)
    response.once('close', gone)
    if (this.#closed) abort.abort(stopping())
    if (kind === 'stream') this.#onStreams(this.streams)
    return { signal: abort.signal, end }
  }

  /** Ends all of them, and each that begins later. */
  close(): void {
    this.#closed = true
    for (const abort of this.#open.keys()) abort.abort(stopping())
  }
}

function stopping(): EventSystemError {
  return new EventSystemError('closed', 'The service is stopping; ask again when it is back.')
}

/**
 * Resolves to true when the response has sent what it holds, and to false when `timeoutMs` has passed or the signal is
 * aborted first.
 */
export function drained(response: ServerResponse, signal: AbortSignal, timeoutMs?: number): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false)
  if (!response.writableNeedDrain) return Promise.resolve(true)
  return new Promise((resolve) => {
    const settle = (done: boolean) => () => {
      clearTimeout(timer)
      response.off('drain', onDrain)
      signal.removeEventListener('abort', onAbort)
      resolve(done)
    }
    const [onDrain, onAbort] = [settle(true), settle(false)]
    const timer = timeoutMs === undefined ? undefined : setTimeout(onAbort, timeoutMs)
    response.once('drain', onDrain)
    signal.addEventListener('abort', onAbort)
  })
}
