import { counted, EventSystemError, onlyOptions, type StoredEventOf } from '@tradpal/events'
import { duration, wholeNumber } from '../runtime/index.ts'
import type { HandlerContext } from './context.ts'
import type { Handler } from './handlers.ts'

/** One event of a batch, with the context of its delivery. */
export interface BatchItem<T extends string = string> {
  readonly event: StoredEventOf<T>
  readonly context: HandlerContext
}

export interface BatchOptions {
  /** At most so many events at once. Default 100. */
  readonly maxSize?: number
  /** How long the first event of a batch waits for others, in ms. Default 0: what is there at once. */
  readonly maxWaitMs?: number
}

interface Waiting<T extends string> extends BatchItem<T> {
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * Makes a handler of one event out of one of many: it gathers the events that are being handled at the same time, and so
 * at most `concurrency` of them. `handleAll` resolves to one result for each, in order: an Error (also a `RetryLater` or a
 * `Reject`) where the event failed, anything else where it is done. When it throws, all of them have failed. Throws
 * `invalid_argument` for what is no function, and `invalid_options`.
 *
 *     subscriber.registerHandler('market_data_update', batchHandler(async (items) => insertAll(items)), { name: 'ticks' })
 *     await subscriber.startConsuming({ concurrency: 100 })
 */
export function batchHandler<T extends string = string>(
  handleAll: (items: readonly BatchItem<T>[]) => Promise<readonly unknown[]>,
  options: BatchOptions = {}
): Handler<T> {
  if (typeof handleAll !== 'function') {
    throw new EventSystemError('invalid_argument', `A batch handler must be a function, got ${typeof handleAll}.`)
  }
  onlyOptions('batchHandler()', options, { maxSize: true, maxWaitMs: true })
  const maxSize = wholeNumber('maxSize', options.maxSize ?? 100, 1)
  const maxWaitMs = duration('maxWaitMs', options.maxWaitMs ?? 0, 0)
  let gathering: Waiting<T>[] = []
  let timer: NodeJS.Timeout | undefined

  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    const batch = gathering
    gathering = []
    if (batch.length > 0) void settleAll(batch, handleAll)
  }

  return (event, context) =>
    new Promise<void>((resolve, reject) => {
      gathering.push({ event, context, resolve, reject })
      if (gathering.length >= maxSize) flush()
      else timer ??= setTimeout(flush, maxWaitMs)
    })
}

async function settleAll<T extends string>(
  batch: readonly Waiting<T>[],
  handleAll: (items: readonly BatchItem<T>[]) => Promise<readonly unknown[]>
): Promise<void> {
  try {
    const results = await handleAll(batch.map(({ event, context }) => ({ event, context })))
    if (!Array.isArray(results) || results.length !== batch.length) {
      const got = Array.isArray(results) ? counted(results.length, 'result') : typeof results
      throw new EventSystemError(
        'handler_failed',
        `A batch handler of ${counted(batch.length, 'event')} must resolve to one result for each, got ${got}.`
      )
    }
    for (const [i, { resolve, reject }] of batch.entries()) {
      if (results[i] instanceof Error) reject(results[i])
      else resolve()
    }
  } catch (error) {
    for (const { reject } of batch) reject(error)
  }
}
