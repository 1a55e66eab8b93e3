import type { StreamVersion } from '@tradpal/events'
import type { AppendEntry } from '../port.ts'
import type { Connection } from './connection.ts'

const VERSION = 'SELECT version FROM versions WHERE key = ?'
const SET_VERSION = `
  INSERT INTO versions (key, version) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET version = excluded.version`
const RECALL = 'SELECT version FROM recent WHERE id = ?'
const INDEX = 'UPDATE entries SET stream_key = ?2, version = ?3 WHERE id = ?1'
const REMEMBER = 'UPDATE recent SET version = ?2 WHERE id = ?1'

/** Where an entry stands. */
export interface Placed {
  readonly id: number
  readonly duplicate: boolean
  /** Of one with a stream key, when it is counted. */
  readonly version?: number
}

/** The first of the expected versions that a key does not have, by its place among them. */
export interface VersionConflict {
  readonly index: number
  readonly actualVersion: number
}

/** The versions of stream keys, inside a step of the connection. */
export class StreamVersions {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  of(key: string): number {
    return Number(this.#connection.statement(VERSION).get(key)?.version ?? 0)
  }

  conflict(expected: readonly StreamVersion[]): VersionConflict | undefined {
    for (const [index, { key, version }] of expected.entries()) {
      const actualVersion = this.of(key)
      if (actualVersion !== version) return { index, actualVersion }
    }
    return undefined
  }

  /**
   * Counts up the keys of what was appended, and gives each entry that has one its version; a duplicate has that of the first. An
   * entry that is counted is in the stream of its key from here on.
   */
  count(entries: readonly AppendEntry[], placed: readonly Placed[]): Placed[] {
    const versions = new Map<string, number>()
    const counted = placed.map((place, index) => {
      const key = entries[index]?.streamKey
      if (key === undefined) return place
      if (place.duplicate) return withVersion(place, this.#connection.statement(RECALL).get(place.id)?.version)
      const version = (versions.get(key) ?? this.of(key)) + 1
      versions.set(key, version)
      this.#connection.statement(INDEX).run(place.id, key, version)
      this.#connection.statement(REMEMBER).run(place.id, version)
      return withVersion(place, version)
    })
    for (const [key, version] of versions) this.#connection.statement(SET_VERSION).run(key, version)
    return counted
  }
}

function withVersion(place: Placed, version: unknown): Placed {
  return typeof version === 'number' ? { ...place, version } : place
}
