import { type ErrorCode, EventSystemError } from '@tradpal/events'

/** SQLite's primary result codes (https://sqlite.org/rescode.html) that say something to a caller. */
const SQLITE = { busy: 5, locked: 6, readOnly: 8, ioError: 10, full: 13, cannotOpen: 14, noDatabase: 26 } as const

const SENTENCES: Readonly<Record<number, readonly [ErrorCode, (location: string) => string]>> = {
  [SQLITE.busy]: ['log_busy', (at) => `Another process held the log ${at} for too long; nothing was written.`],
  [SQLITE.locked]: ['log_busy', (at) => `Another process held the log ${at} for too long; nothing was written.`],
  [SQLITE.readOnly]: [
    'log_read_only',
    (at) => `The log ${at} cannot be written: its file, folder or disk is read-only.`
  ],
  [SQLITE.full]: ['log_full', (at) => `The disk of the log ${at} is full; nothing was written.`],
  [SQLITE.cannotOpen]: [
    'log_unavailable',
    (at) => `The log ${at} cannot be opened: see that its folder is there and may be used.`
  ],
  [SQLITE.noDatabase]: ['log_incompatible', (at) => `The file ${at} is no event log: it is not an SQLite database.`]
}

/** What the operating system says when a folder or a file cannot be had. */
const SYSTEM_CODES: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  EROFS: ['log_read_only', 'the disk is read-only'],
  ENOSPC: ['log_full', 'the disk is full'],
  ENOTDIR: ['log_unavailable', 'a part of its path is no folder'],
  EEXIST: ['log_unavailable', 'a part of its path is no folder'],
  ENOENT: ['log_unavailable', 'its folder is not there'],
  EACCES: ['log_unavailable', 'this user may not use it'],
  EPERM: ['log_unavailable', 'this user may not use it']
}

function resultCode(error: unknown): number | undefined {
  const errcode = (error as { errcode?: unknown } | null)?.errcode
  return typeof errcode === 'number' ? errcode & 0xff : undefined
}

export function isBusy(error: unknown): boolean {
  const code = resultCode(error)
  return code === SQLITE.busy || code === SQLITE.locked
}

/** The error as the event system names it, the original as its cause. */
export function toLogError(error: unknown, location: string): EventSystemError {
  if (error instanceof EventSystemError) return error
  const [code, sentence] = SENTENCES[resultCode(error) ?? -1] ?? []
  if (code !== undefined && sentence !== undefined) {
    return new EventSystemError(code, sentence(location), { cause: error })
  }
  const [systemCode, why] = SYSTEM_CODES[String((error as { code?: unknown } | null)?.code)] ?? []
  if (systemCode !== undefined) {
    return new EventSystemError(systemCode, `The log ${location} cannot be opened: ${why}.`, { cause: error })
  }
  const reason = error instanceof Error ? error.message : String(error)
  return new EventSystemError('log_failed', `The log ${location} failed: ${reason}.`, { cause: error })
}
