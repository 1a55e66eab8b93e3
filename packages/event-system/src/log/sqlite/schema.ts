import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { EventSystemError } from '@tradpal/events'

/** Marks an SQLite file as an event log: `TPEV` in ASCII. */
const APPLICATION_ID = 0x54504556
/** Raised when an older version of this adapter could no longer use the file. */
const SCHEMA_VERSION = 5

/** How long SQLite itself, and with it the event loop, waits for another process; longer waits are ours, asynchronous. */
const DRIVER_WAIT_MS = 20

/**
 * `ordinal` numbers the entries from 1, without gaps, for ever: any count of entries between two ids is a subtraction.
 * `recent` is the deduplication window: a row for some entries in a row, with the id and the ordinal of the first and the
 * event ids of all, a JSON array. It has no index on the event ids: keys that come in no order would dirty one page each, which makes
 * appending five times slower; each handle keeps a hash of the window in memory instead. `recent_versions` has the versions of
 * those entries in it that have a stream key, `versions` those of all keys that ever were.
 * The one row of `state` says what would take a scan to find out; `moves` counts what a waiting reader has to look at beside new entries.
 *
 * A pending entry is held by a consumer, or by nobody (`consumer` is empty, and `delivered_at` is when it may be claimed),
 * or it belongs to a shard: then `handed` is the epoch in which it was handed out, and 0 while it waits. `payload` replaces
 * the entry's for this group. `strays` of a group says that some of its pending entries may belong to no shard.
 * The record of a collection without an id has no value, and the collection's revision.
 */
const CREATED_IN_2 = `
  CREATE INDEX pending_of_shards ON pending (grp, shard, id) WHERE shard IS NOT NULL AND handed = 0;
  CREATE TABLE places (grp TEXT PRIMARY KEY, id INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE sharding (grp TEXT PRIMARY KEY, state TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE ledger (
    grp TEXT NOT NULL, event_id TEXT NOT NULL, step TEXT NOT NULL, value TEXT, written_at INTEGER NOT NULL,
    PRIMARY KEY (grp, event_id, step)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX ledger_by_age ON ledger (written_at);
  CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT, grp TEXT NOT NULL, entry_id INTEGER NOT NULL, event_type TEXT, handler TEXT,
    kind TEXT NOT NULL, dead_at INTEGER NOT NULL, letter TEXT NOT NULL
  ) STRICT;
  CREATE INDEX dead_letters_by_group ON dead_letters (grp, id);
  CREATE TABLE dead_letter_actions (id INTEGER PRIMARY KEY AUTOINCREMENT, action TEXT NOT NULL) STRICT;`
const CREATED_IN_3 = 'CREATE TABLE versions (key TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT, WITHOUT ROWID;'
const CREATED_IN_4 = `
  CREATE TABLE records (
    collection TEXT NOT NULL, id TEXT NOT NULL, value TEXT NOT NULL, revision INTEGER NOT NULL, PRIMARY KEY (collection, id)
  ) STRICT, WITHOUT ROWID;`
const CREATED_IN_5 = `
  CREATE TABLE recent (id INTEGER PRIMARY KEY, ordinal INTEGER NOT NULL, event_ids TEXT NOT NULL) STRICT;
  CREATE TABLE recent_versions (id INTEGER PRIMARY KEY, version INTEGER NOT NULL) STRICT;`
const CREATE = `
  CREATE TABLE state (
    last_id INTEGER NOT NULL, added INTEGER NOT NULL, removed INTEGER NOT NULL, bytes INTEGER NOT NULL, moves INTEGER NOT NULL
  ) STRICT;
  INSERT INTO state VALUES (0, 0, 0, 0, 0);
  CREATE TABLE entries (id INTEGER PRIMARY KEY, ordinal INTEGER NOT NULL, event_type TEXT NOT NULL, payload TEXT NOT NULL) STRICT;
  CREATE INDEX entries_by_type ON entries (event_type, id);
  CREATE TABLE groups (name TEXT PRIMARY KEY, last_id INTEGER NOT NULL, strays INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;
  CREATE TABLE pending (
    grp TEXT NOT NULL, id INTEGER NOT NULL, consumer TEXT NOT NULL, delivered_at INTEGER NOT NULL, deliveries INTEGER NOT NULL,
    note TEXT, payload TEXT, shard INTEGER, handed INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (grp, id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE consumers (grp TEXT NOT NULL, name TEXT NOT NULL, seen_at INTEGER NOT NULL, PRIMARY KEY (grp, name)) STRICT, WITHOUT ROWID;
  ${CREATED_IN_2}
  ${CREATED_IN_3}
  ${CREATED_IN_4}
  ${CREATED_IN_5}
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`

/** From version 1, whose dead letters knew neither handler nor type and only the last error. */
const MIGRATE_FROM_1 = `
  ALTER TABLE groups ADD COLUMN strays INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE pending ADD COLUMN note TEXT;
  ALTER TABLE pending ADD COLUMN payload TEXT;
  ALTER TABLE pending ADD COLUMN shard INTEGER;
  ALTER TABLE pending ADD COLUMN handed INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE dead_letters RENAME TO dead_letters_1;
  DROP INDEX dead_letters_by_group;
  ${CREATED_IN_2}
  INSERT INTO dead_letters (id, grp, entry_id, kind, dead_at, letter)
  SELECT id, grp, entry_id, kind, dead_at, json_object(
    'consumer', consumer, 'handler', NULL, 'eventType', NULL, 'payload', payload, 'kind', kind, 'attempts', attempts,
    'firstError', json_patch('{}', json_object('message', reason, 'stack', stack, 'at', dead_at)),
    'lastError', json_patch('{}', json_object('message', reason, 'stack', stack, 'at', dead_at))
  ) FROM dead_letters_1;
  DROP TABLE dead_letters_1;
  PRAGMA user_version = 2;
`
/** From version 2, which knew no stream keys. */
const MIGRATE_FROM_2 = `
  ALTER TABLE recent ADD COLUMN version INTEGER;
  ${CREATED_IN_3}
  PRAGMA user_version = 3;
`
/** From version 3, which kept no records. */
const MIGRATE_FROM_3 = `
  ${CREATED_IN_4}
  PRAGMA user_version = 4;
`
/** From version 4, whose deduplication window had a row for each entry. */
const MIGRATE_FROM_4 = `
  ALTER TABLE recent RENAME TO recent_4;
  ${CREATED_IN_5}
  INSERT INTO recent (id, ordinal, event_ids) SELECT id, ordinal, json_array(event_id) FROM recent_4;
  INSERT INTO recent_versions (id, version) SELECT id, version FROM recent_4 WHERE version IS NOT NULL;
  DROP TABLE recent_4;
  PRAGMA user_version = 5;
`

/** Opens the log's file, creating it when it is not there. Throws, and changes nothing, when it is something else. */
export function openDatabase(path: string, durability: 'os' | 'disk'): DatabaseSync {
  mkdirSync(dirname(path), { recursive: true })
  const holdsSomething = isFileWithContent(path)
  assertWritable(path)
  if (holdsSomething) inspect(path)
  const database = new DatabaseSync(path, { timeout: DRIVER_WAIT_MS })
  try {
    database.exec('PRAGMA journal_mode = WAL')
    // NORMAL syncs at checkpoints only: a commit is with the operating system. FULL syncs each commit to the disk.
    database.exec(`PRAGMA synchronous = ${durability === 'disk' ? 'FULL' : 'NORMAL'}`)
    database.exec('BEGIN IMMEDIATE')
    if (isEmpty(database)) database.exec(CREATE)
    else migrate(database)
    assertLog(database, path)
    database.exec('COMMIT')
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** A step for each version: a file of another is left as it is. */
function migrate(database: DatabaseSync): void {
  if (pragma(database, 'user_version') === 1) database.exec(MIGRATE_FROM_1)
  if (pragma(database, 'user_version') === 2) database.exec(MIGRATE_FROM_2)
  if (pragma(database, 'user_version') === 3) database.exec(MIGRATE_FROM_3)
  if (pragma(database, 'user_version') === 4) database.exec(MIGRATE_FROM_4)
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
  if (version < 1 || version > SCHEMA_VERSION) {
    throw new EventSystemError(
      'log_incompatible',
      `The log ${path} has version ${version}, and this version of the event system reads versions up to ${SCHEMA_VERSION}: use a newer one.`
    )
  }
}

function pragma(database: DatabaseSync, name: 'application_id' | 'user_version'): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name])
}
