import { type ErrorCode, EventSystemError } from '@tradpal/events'
import { isDriverError } from './driver.ts'

/** What Redis's error replies mean, by their first word (https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors). */
const REPLIES: Readonly<Record<string, { code: ErrorCode; says: string }>> = {
  NOAUTH: { code: 'log_refused', says: 'Redis wants a user and password; put them into the URL' },
  WRONGPASS: { code: 'log_refused', says: 'Redis refused the user or the password' },
  NOPERM: { code: 'log_refused', says: 'The Redis user lacks a permission' },
  OOM: { code: 'log_full', says: 'The memory of Redis is full' },
  MISCONF: { code: 'log_unavailable', says: 'Redis cannot persist and takes no writes' },
  READONLY: { code: 'log_read_only', says: 'This Redis is a read-only replica' },
  NOREPLICAS: { code: 'log_unavailable', says: 'Redis has too few replicas and takes no writes' },
  LOADING: { code: 'log_unavailable', says: 'Redis is loading its data' },
  MASTERDOWN: { code: 'log_unavailable', says: 'This Redis has lost its master' },
  CLUSTERDOWN: { code: 'log_unavailable', says: 'The Redis Cluster is down' },
  MOVED: { code: 'log_unavailable', says: 'The keys of the log are at another node of the Redis Cluster' },
  ASK: { code: 'log_unavailable', says: 'The keys of the log are at another node of the Redis Cluster' },
  TRYAGAIN: { code: 'log_unavailable', says: 'The Redis Cluster moves the keys of the log to another node' },
  CROSSSLOT: {
    code: 'log_incompatible',
    says: 'This is a node of a Redis Cluster; its URL begins with redis+cluster://'
  },
  BUSY: { code: 'log_busy', says: 'Redis is busy with a script' },
  NOGROUP: { code: 'not_found', says: 'There is no such consumer group' },
  WRONGTYPE: { code: 'log_incompatible', says: 'The key holds something that is no stream' }
}

/** What a call to Redis failed with, as one of ours. `write`: a call of which it matters whether the server has run it. */
export function asLogError(error: unknown, location: string, effect: 'read' | 'write'): EventSystemError {
  if (error instanceof EventSystemError) return error
  if (isDriverError(error, 'ErrorReply')) return replyError(error, location)
  const certainlyUnsent = isDriverError(error, 'ClientOfflineError', 'ClientClosedError') || isRefusal(error)
  const reason = reasonOf(error)
  if (effect === 'read' || certainlyUnsent) {
    return new EventSystemError('log_unavailable', `Redis at ${location} cannot be reached: ${reason}.`, {
      cause: error
    })
  }
  return new EventSystemError(
    'log_timeout',
    `The connection to Redis at ${location} broke before the answer came (${reason}); whether it was written is unknown.`,
    { cause: error }
  )
}

/** For a call that was not sent, because there is no connection: why that is so. */
export function unsentError(lost: EventSystemError | undefined, location: string): EventSystemError {
  if (lost === undefined) {
    return new EventSystemError('log_unavailable', `There is no connection to Redis at ${location} yet.`)
  }
  if (lost.code === 'log_refused') return lost
  return new EventSystemError(
    'log_unavailable',
    `There is no connection to Redis at ${location}; it is being made again. It was lost, or could not be made: ${lost.message}`,
    { cause: lost }
  )
}

export function timeoutError(location: string, timeoutMs: number): EventSystemError {
  return new EventSystemError('log_timeout', `Redis at ${location} did not answer within ${timeoutMs} ms.`)
}

export function closedError(): EventSystemError {
  return new EventSystemError('closed', 'The log is closed.')
}

/** For a server that turns out to be a node of a cluster, without the keys. */
export function clusterError(location: string, cause: Error): EventSystemError {
  const message = `Redis at ${location} is a node of a Redis Cluster, and the log is at another: its URL must begin with redis+cluster:// (${cause.message}).`
  return new EventSystemError('log_incompatible', message, { cause })
}

/** Whether a node of a cluster says that another one has the keys: it has done nothing. */
export function isRedirection(error: unknown): error is Error {
  return isDriverError(error, 'ErrorReply') && /^(MOVED|ASK) /.test(error.message)
}

/** Whether Redis itself answered with an error that begins so. */
export function isReply(error: unknown, beginning: string): boolean {
  return error instanceof EventSystemError && error.cause instanceof Error && error.cause.message.startsWith(beginning)
}

/** A script hands on the error of the command that failed in it, for some with an `ERR ` before and where it was behind. */
function replyError(error: Error, location: string): EventSystemError {
  const word = /^(?:ERR )?-?([A-Z]+)/.exec(error.message)?.[1] ?? ''
  const known = REPLIES[word]
  const [code, says] = known === undefined ? (['log_failed', 'Redis answered'] as const) : [known.code, known.says]
  return new EventSystemError(code, `${says} (${location}): ${error.message}`, { cause: error })
}

function isRefusal(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code
  return code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'EHOSTUNREACH'
}

/** Errors of several addresses (IPv4 and IPv6) come without a message of their own. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(', ')
  if (!(error instanceof Error)) return String(error)
  return error.message === '' ? error.name : error.message
}
