import { type ErrorCode, EventSystemError } from '@tradpal/events'
import { ClientClosedError, ClientOfflineError, ErrorReply } from 'redis'

/** What Redis's error replies mean, by their first word (https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors). */
const REPLIES: Readonly<Record<string, { code: ErrorCode; says: string }>> = {
  NOAUTH: { code: 'log_refused', says: 'Redis wants a user and password; put them into the URL' },
  WRONGPASS: { code: 'log_refused', says: 'Redis refused the user or the password' },
  NOPERM: { code: 'log_refused', says: 'The Redis user lacks a permission' },
  OOM: { code: 'log_full', says: 'The memory of Redis is full' },
  MISCONF: { code: 'log_unavailable', says: 'Redis cannot persist and takes no writes' },
  READONLY: { code: 'log_read_only', says: 'This Redis is a read-only replica' },
  LOADING: { code: 'log_unavailable', says: 'Redis is loading its data' },
  MASTERDOWN: { code: 'log_unavailable', says: 'This Redis has lost its master' },
  CLUSTERDOWN: { code: 'log_unavailable', says: 'The Redis Cluster is down' },
  BUSY: { code: 'log_busy', says: 'Redis is busy with a script' },
  NOGROUP: { code: 'not_found', says: 'There is no such consumer group' },
  WRONGTYPE: { code: 'log_incompatible', says: 'The key holds something that is no stream' }
}

/** What a call to Redis failed with, as one of ours. `unsent`: the command cannot have reached the server. */
export function asLogError(error: unknown, location: string, effect: 'read' | 'write'): EventSystemError {
  if (error instanceof EventSystemError) return error
  if (error instanceof ErrorReply) return replyError(error, location)
  const reason = error instanceof Error ? reasonOf(error) : String(error)
  const certainlyUnsent = error instanceof ClientOfflineError || error instanceof ClientClosedError || isRefusal(error)
  if (effect === 'read' || certainlyUnsent) {
    return new EventSystemError('log_unavailable', `Redis at ${location} cannot be reached: ${reason}.`, { cause: error })
  }
  return new EventSystemError(
    'log_timeout',
    `The connection to Redis at ${location} broke before the answer came (${reason}); whether it was written is unknown.`,
    { cause: error }
  )
}

export function timeoutError(location: string, timeoutMs: number): EventSystemError {
  return new EventSystemError('log_timeout', `Redis at ${location} did not answer within ${timeoutMs} ms.`)
}

function replyError(error: ErrorReply, location: string): EventSystemError {
  const word = /^[A-Z]+/.exec(error.message)?.[0] ?? ''
  const known = REPLIES[word]
  if (known === undefined) return new EventSystemError('log_failed', `Redis at ${location} answered: ${error.message}`, { cause: error })
  return new EventSystemError(known.code, `${known.says} (${location}): ${error.message}`, { cause: error })
}

function isRefusal(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code
  return code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'EHOSTUNREACH'
}

/** Errors of several addresses (IPv4 and IPv6) come without a message of their own. */
function reasonOf(error: Error): string {
  if (error instanceof AggregateError) return error.errors.map((one) => (one instanceof Error ? one.message : String(one))).join(', ')
  return error.message === '' ? error.name : error.message
}
