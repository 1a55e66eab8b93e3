import { type ErrorCode, EventSystemError } from '@tradpal/events'
import { isDriverError } from './driver.ts'
import { tlsFailure } from './tls.ts'

/** What an error reply means, and what to do. */
interface Meaning {
  readonly code: ErrorCode
  readonly says: string
}

const MOVED: Meaning = {
  code: 'log_moved',
  says: 'The keys of the log are at another node of the Redis Cluster; it is being looked for'
}

/** What Redis's error replies mean, by their first word (https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors). */
const REPLIES: Readonly<Record<string, Meaning>> = {
  NOAUTH: { code: 'log_refused', says: 'Redis wants a user and a password; put them into the URL' },
  WRONGPASS: { code: 'log_refused', says: 'Redis refused the user or the password of the URL' },
  NOPERM: { code: 'log_refused', says: 'The Redis user lacks a permission; grant it by ACL SETUSER' },
  OOM: {
    code: 'log_full',
    says: 'The memory of Redis is full and nothing was written; raise its maxmemory, or trim the log'
  },
  MISCONF: {
    code: 'log_unavailable',
    says: 'Redis could not save its data to the disk, and takes no writes until it can; nothing was written; look at its disk and its log'
  },
  READONLY: {
    code: 'log_read_only',
    says: 'This Redis is a read-only replica and nothing was written; the URL must name the master, or sentinels by redis+sentinel://'
  },
  NOREPLICAS: {
    code: 'log_unavailable',
    says: 'Redis has fewer replicas at hand than its min-replicas-to-write, and nothing was written; bring its replicas back'
  },
  LOADING: { code: 'log_unavailable', says: 'Redis has started and is loading its data; it answers when it is done' },
  MASTERDOWN: {
    code: 'log_unavailable',
    says: 'This Redis is a replica that has lost its master, and answers nothing until it is there again'
  },
  UNBLOCKED: { code: 'log_unavailable', says: 'This Redis became a replica while a read waited' },
  CLUSTERDOWN: {
    code: 'log_unavailable',
    says: 'The Redis Cluster is down, or nobody has the slot of the log, and nothing was written; look at CLUSTER INFO'
  },
  MOVED,
  ASK: MOVED,
  TRYAGAIN: {
    code: 'log_moved',
    says: 'The Redis Cluster is moving the keys of the log to another node, and nothing was written; it takes a moment'
  },
  CROSSSLOT: {
    code: 'log_incompatible',
    says: 'This is a node of a Redis Cluster; its URL begins with redis+cluster://'
  },
  BUSY: {
    code: 'log_busy',
    says: "Redis runs somebody's script that does not end, and does nothing else meanwhile; nothing was written; SCRIPT KILL ends it"
  },
  NOGROUP: { code: 'not_found', says: 'There is no such consumer group' },
  WRONGTYPE: { code: 'log_incompatible', says: 'A key of the log holds something of another type' }
}

/** Those that begin with no word of their own. */
const SENTENCES: readonly (readonly [RegExp, Meaning])[] = [
  [/ACL failure in script|user executing the script can't/, REPLIES.NOPERM as Meaning],
  [
    /called without any password/,
    { code: 'log_refused', says: 'Redis refused the password of the URL, since its default user has none' }
  ],
  [
    /max number of clients/,
    { code: 'log_unavailable', says: 'Redis has as many connections as its maxclients allows' }
  ],
  [/XGROUP subcommand requires the key to exist/, REPLIES.NOGROUP as Meaning],
  [/unknown command/i, { code: 'log_incompatible', says: 'This Redis is older than 7.0, or has the command renamed' }]
]

/** What a call to Redis failed with, as one of ours. `write`: a call of which it matters whether the server has run it. */
export function asLogError(error: unknown, location: string, effect: 'read' | 'write'): EventSystemError {
  if (error instanceof EventSystemError) return error
  if (isDriverError(error, 'ErrorReply')) return replyError(error, location)
  const refusal = tlsFailure(error)
  if (refusal !== undefined) {
    const message = `No connection to Redis at ${location} by TLS: ${refusal} (${reasonOf(error)}).`
    return new EventSystemError('log_refused', message, { cause: error })
  }
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
  if (lost.code === 'log_refused' || lost.code === 'log_moved') return lost
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

/** The first word of an error that Redis answered with; empty for any other error. A script hands on the error of the command that failed in it, for some with an `ERR ` before and where it was behind. */
export function replyWord(error: unknown): string {
  if (!isDriverError(error, 'ErrorReply')) return ''
  return /^(?:ERR )?-?([A-Z]+)/.exec(error.message)?.[1] ?? ''
}

function replyError(error: Error, location: string): EventSystemError {
  const { code, says } = REPLIES[replyWord(error)] ??
    SENTENCES.find(([pattern]) => pattern.test(error.message))?.[1] ?? { code: 'log_failed', says: 'Redis answered' }
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
