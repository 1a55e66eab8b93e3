import type { ServerResponse } from 'node:http'
import { EventSystemError } from '@tradpal/event-system'
import type { Principal } from '@tradpal/event-system/access'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Shares } from '../limits/index.ts'
import { callerOf } from './callers.ts'
import { letGoOfBody } from './request-bodies.ts'
import { whenOver } from './when-over.ts'

/** Who an answer is for is asked again so often, in ms: a credential may end, or be revoked, and a policy may change. */
const ASK_AGAIN_MS = 1_000

/** An answer that lasts: it ends when its caller goes away or may have it no more, when the service stops, or by itself. */
export interface LastingAnswer {
  /** Aborted with `aborted` when the caller goes away, with `unauthenticated` or `forbidden` when it may have the answer no more, with `closed` when the service stops. */
  readonly signal: AbortSignal
  /** Says that the answer is over. */
  end(): void
}

/** What an answer is to, and how. */
export interface Asked {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  /** Throws when its caller, as the principal that it is by now, may not have the answer. */
  readonly mayHave: (principal: Principal) => void
}

export interface LastingAnswersOptions {
  readonly shares: Shares
  /** Told how many streams are open when one opens or ends. */
  readonly onStreams: (streams: number) => void
  /** Told of each answer that was ended because its caller may have it no more. */
  readonly onEnded: (request: FastifyRequest, reason: EventSystemError) => void
}

/** The streams, replays and waiting pulls that are open. */
export class LastingAnswers {
  readonly #open = new Map<AbortController, Asked>()
  #asking: NodeJS.Timeout | undefined
  readonly #options: LastingAnswersOptions
  #closed = false

  constructor(options: LastingAnswersOptions) {
    this.#options = options
  }

  get streams(): number {
    return this.#options.shares.inAll('streams')
  }

  /** Throws `rate_limited` when the caller has as many under way as it may, and `service_unavailable` when all together have. */
  begin(kind: 'streams' | 'pulls' | 'replays', asked: Asked): LastingAnswer {
    const { shares, onStreams } = this.#options
    const caller = callerOf(asked.request)
    const response = asked.reply.raw
    shares.take(kind, caller)
    if (kind === 'streams') onStreams(this.streams)
    // The endpoint has read the body. It would otherwise stay in memory for as long as the answer lasts.
    letGoOfBody(asked.request)
    const abort = new AbortController()
    const gone = () => {
      abort.abort(new EventSystemError('aborted', 'The caller went away.'))
      end()
    }
    const end = () => {
      stopWaiting()
      if (!this.#open.delete(abort)) return
      shares.give(kind, caller)
      if (kind === 'streams') onStreams(this.streams)
      if (this.#open.size === 0) clearInterval(this.#asking)
    }
    if (this.#open.size === 0) this.#asking = setInterval(() => this.#askAgain(), ASK_AGAIN_MS)
    this.#open.set(abort, asked)
    const stopWaiting = whenOver(response, gone)
    if (this.#closed) abort.abort(stopping())
    return { signal: abort.signal, end }
  }

  /** Ends all of them, and each that begins later. */
  close(): void {
    this.#closed = true
    for (const abort of this.#open.keys()) abort.abort(stopping())
  }

  /** All at once, so that what is asked of the log for one is asked for all. */
  #askAgain(): void {
    for (const [abort, { request, mayHave }] of this.#open) {
      request
        .askAgain()
        .then(mayHave)
        .catch((error) => {
          // While nobody can know, what was known holds.
          if (!isRefusal(error) || abort.signal.aborted) return
          this.#options.onEnded(request, error)
          abort.abort(error)
        })
    }
  }
}

/** Why an answer was ended whose caller may have it no more. Undefined where that is not why. */
export function refusalOf({ reason }: AbortSignal): EventSystemError | undefined {
  return isRefusal(reason) ? reason : undefined
}

function isRefusal(error: unknown): error is EventSystemError {
  return error instanceof EventSystemError && ['unauthenticated', 'forbidden'].includes(error.code)
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
