import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { EventSystemError } from '@tradpal/events'
import { DatabaseSync } from './driver.ts'
import { makeFile, makeFolders } from './file-modes.ts'

/** Marks an SQLite file as an event log: `TPEV` in ASCII. */
const APPLICATION_ID = 0x54504556
/** Raised whenever the tables change: a file of another version is refused. */
const SCHEMA_VERSION = 11

/** How long SQLite itself, and with it the event loop, waits for another process; longer waits are ours, asynchronous. */
const DRIVER_WAIT_MS = 20

/**
 * `ordinal` numbers the entries from 1, without gaps, for ever: any count of entries between two ids is a subtraction.
 * `recent` is the deduplication window: the event id of each entry, and the version of one that has a stream key. `versions`
 * has the versions of all stream keys that ever were. An entry that was counted has its stream key and its version.
 * The one row of `state` says what would take a scan to find out; `moves` counts what a waiting reader has to look at beside new entries.
 *
 * A label is an event type and a key, which is empty for none: `type` is the label of the type without a key. The index, `segments` and
 * `by_label`, has the entries up to `indexed_id`: see entry-index.ts.
 *
 * A pending entry is held by a consumer, or by nobody: then `consumer` is empty, and `delivered_at` is when it may be claimed.
 * `attachment` is a text that units set. The document of a collection without an id has no value, and the collection's revision.
 */
const CREATE = `
  CREATE TABLE state (
    last_id INTEGER NOT NULL, added INTEGER NOT NULL, removed INTEGER NOT NULL, bytes INTEGER NOT NULL, moves INTEGER NOT NULL,
    indexed_id INTEGER NOT NULL, indexed INTEGER NOT NULL
  ) STRICT;
  INSERT INTO state VALUES (0, 0, 0, 0, 0, 0, 0);
  CREATE TABLE entries (
    id INTEGER PRIMARY KEY, ordinal INTEGER NOT NULL, label INTEGER NOT NULL, event_time INTEGER NOT NULL, payload TEXT NOT NULL,
    stream_key TEXT, version INTEGER
  ) STRICT;
  CREATE TABLE labels (
    label INTEGER PRIMARY KEY, type INTEGER NOT NULL, event_type TEXT NOT NULL, key TEXT NOT NULL, UNIQUE (event_type, key)
  ) STRICT;
  CREATE INDEX labels_by_key ON labels (key);
  CREATE INDEX labels_by_type ON labels (type);
  CREATE TABLE segments (
    segment INTEGER PRIMARY KEY, first_id INTEGER NOT NULL, last_id INTEGER NOT NULL, min_time INTEGER NOT NULL, max_time INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX segments_by_first ON segments (first_id);
  CREATE INDEX segments_by_last ON segments (last_id);
  CREATE INDEX segments_by_min ON segments (min_time);
  CREATE INDEX segments_by_max ON segments (max_time);
  CREATE TABLE by_label (
    segment INTEGER NOT NULL, label INTEGER NOT NULL, event_time INTEGER NOT NULL, id INTEGER NOT NULL,
    PRIMARY KEY (segment, label, event_time, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX entries_by_stream ON entries (stream_key, version) WHERE stream_key IS NOT NULL;
  CREATE TABLE recent (id INTEGER PRIMARY KEY, ordinal INTEGER NOT NULL, event_id TEXT NOT NULL, version INTEGER) STRICT;
  CREATE TABLE versions (key TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE groups (name TEXT PRIMARY KEY, last_id INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE pending (
    grp TEXT NOT NULL, id INTEGER NOT NULL, consumer TEXT NOT NULL, delivered_at INTEGER NOT NULL, deliveries INTEGER NOT NULL,
    attachment TEXT, PRIMARY KEY (grp, id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE consumers (grp TEXT NOT NULL, name TEXT NOT NULL, seen_at INTEGER NOT NULL, PRIMARY KEY (grp, name)) STRICT, WITHOUT ROWID;
  CREATE TABLE leases (
    name TEXT PRIMARY KEY, holder TEXT NOT NULL, token INTEGER NOT NULL, ends_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE cursors (
    name TEXT PRIMARY KEY, position INTEGER NOT NULL, moved_at INTEGER NOT NULL, guards INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE documents (
    collection TEXT NOT NULL, id TEXT NOT NULL, value TEXT NOT NULL, revision INTEGER NOT NULL, expires_at INTEGER,
    PRIMARY KEY (collection, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX documents_by_expiry ON documents (expires_at) WHERE expires_at IS NOT NULL;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`

/** Opens the log's file, creating it when it is not there. Throws, and changes nothing, when it is something else. */
export function openDatabase(path: string, durability: 'os' | 'disk'): DatabaseSync {
  makeFolders(path)
  const holdsSomething = isFileWithContent(path)
  assertWritable(path)
  makeFile(path)
  if (holdsSomething) inspect(path)
  const database = new DatabaseSync(path, { timeout: DRIVER_WAIT_MS })
  try {
    database.exec('PRAGMA journal_mode = WAL')
    // NORMAL syncs at checkpoints only: a commit is with the operating system. FULL syncs each commit to the disk.
    database.exec(`PRAGMA synchronous = ${durability === 'disk' ? 'FULL' : 'NORMAL'}`)
    database.exec('BEGIN IMMEDIATE')
    if (isEmpty(database)) database.exec(CREATE)
    assertLog(database, path)
    database.exec('COMMIT')
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

function isFileWithContent(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats?.isDirectory()) throw new EventSystemError('log_incompatible', `${path} is a folder: the log is a file.`)
  return stats !== undefined && stats.size > 0
}

/** The folder too: the write-ahead log stands beside the file. */
function assertWritable(path: string): void {
  for (const place of existsSync(path) ? [path, dirname(path)] : [dirname(path)]) {
    try {
      accessSync(place, constants.W_OK)
    } catch (error) {
      throw new EventSystemError(
        'log_read_only',
        `The log ${path} cannot be written: ${place} is read-only for this user.`,
        {
          cause: error
        }
      )
    }
  }
}

/**
 * Looks at a file through a connection that cannot write, so that one that is no log is left as it is. Through SQLite
 * and not by reading it: closing a descriptor of our own would drop the locks that this process's other handles hold.
 */
function inspect(path: string): void {
  const database = new DatabaseSync(path, { readOnly: true, timeout: DRIVER_WAIT_MS })
  try {
    if (!isEmpty(database)) assertLog(database, path)
  } finally {
    database.close()
  }
}

function isEmpty(database: DatabaseSync): boolean {
  return (
    pragma(database, 'application_id') === 0 &&
    database.prepare('SELECT count(*) AS tables FROM sqlite_schema').get()?.tables === 0
  )
}

function assertLog(database: DatabaseSync, path: string): void {
  if (pragma(database, 'application_id') !== APPLICATION_ID) {
    throw new EventSystemError('log_incompatible', `The file ${path} is an SQLite database, but no event log.`)
  }
  const version = pragma(database, 'user_version')
  if (version === SCHEMA_VERSION) return
  const remedy =
    version > SCHEMA_VERSION
      ? 'use a newer one'
      : 'export its events with the version that wrote it, and import them into a new file'
  throw new EventSystemError(
    'log_incompatible',
    `The log ${path} has version ${version}, and this version of the event system reads version ${SCHEMA_VERSION}: ${remedy}.`
  )
}

function pragma(database: DatabaseSync, name: 'application_id' | 'user_version'): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name])
}
