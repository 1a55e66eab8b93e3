import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, linkSync, mkdirSync, openSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** A file that others than its owner can read or write, or a folder in which anybody can replace a file. */
export interface ExposedPath {
  readonly path: string
  /** The bits of its permissions, such as 0o644. */
  readonly mode: number
}

const OWNER_ONLY_FILE = 0o600
const OWNER_ONLY_FOLDER = 0o700
const PERMISSIONS = 0o777
const BY_OTHERS_THAN_THE_OWNER = 0o077
const WRITABLE_BY_ANYBODY = 0o002
/** In such a folder a file can be replaced by its owner alone. */
const STICKY = 0o1000

/** Makes the folders above a file that are not there, for their owner alone. */
export function makeFolders(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: OWNER_ONLY_FOLDER })
}

/**
 * Makes an empty file, for its owner alone from the first moment, where there is none. SQLite takes it for a new database, and gives
 * the files beside it, its journal, its write-ahead log and the index of that, the same permissions.
 */
export function makeFile(path: string): void {
  if (existsSync(path)) return
  // Closed before it has its name: closing a descriptor of a database drops the locks that other handles of this process hold on it.
  const beside = `${path}-${randomBytes(4).toString('base64url')}`
  closeSync(openSync(beside, 'wx', OWNER_ONLY_FILE))
  try {
    linkSync(beside, path)
  } catch {
    // Another process was quicker, the path is a link whose target is not there, or the file system has no hard links.
    if (!existsSync(path)) closeSync(openSync(path, 'a', OWNER_ONLY_FILE))
  } finally {
    rmSync(beside, { force: true })
  }
}

/** Which of a log's files and its folder are exposed. None on Windows, where permissions are not kept in modes. */
export function exposedPaths(path: string): ExposedPath[] {
  if (process.platform === 'win32') return []
  const files = [path, `${path}-wal`, `${path}-shm`].filter((file) => (modeOf(file) & BY_OTHERS_THAN_THE_OWNER) !== 0)
  const folders = [dirname(path)].filter(
    (folder) => (modeOf(folder) & (WRITABLE_BY_ANYBODY | STICKY)) === WRITABLE_BY_ANYBODY
  )
  return [...files, ...folders].map((exposed) => ({ path: exposed, mode: modeOf(exposed) & PERMISSIONS }))
}

/** 0 for a file that is not there. */
function modeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mode ?? 0
}
