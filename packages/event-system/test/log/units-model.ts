import type { AppendResult, Checkpoint, CursorMove, Fence, Refused, Unit, Write } from '../../src/log/index.ts'

/** What a unit did, said without the ids and revisions that the log chose. */
export type Outcome =
  | Refused
  | {
      readonly kind: 'committed'
      readonly appended: readonly Pick<AppendResult, 'duplicate' | 'version'>[]
      /** Of each write its number; that of the last write to the collection, when it changed nothing. */
      readonly writes: readonly number[]
    }

interface ModelDocument {
  readonly value: string
  /** The number of the write that made it. */
  readonly write: number
}

interface ModelEntry {
  readonly payload: string
  readonly streamKey: string | undefined
  readonly version: number | undefined
}

interface State {
  /** Of the entries that are there. */
  readonly entries: ModelEntry[]
  /** The version of each event id that was appended. */
  readonly known: Map<string, number | undefined>
  readonly versions: Map<string, number>
  readonly cursors: Map<string, { readonly position: Checkpoint; readonly guards: boolean }>
  /** By collection and id. */
  readonly documents: Map<string, Map<string, ModelDocument>>
  readonly lastWrites: Map<string, number>
}

type Result<Value> = { readonly value: Value } | Refused

/** What a log is to do with units, cursors and documents, said in the simplest way. Cursors stand at sources, which come first in the log. */
export class Model {
  #state: State
  /** The position behind each source. */
  readonly #sources: readonly Checkpoint[]
  #trimmed = 0
  readonly #tokens = new Map<string, number>()
  /** The revision that the log gave to each write, once that is known. */
  readonly revisions = new Map<number, number>()
  #writes = 0

  constructor(sources: readonly { readonly position: Checkpoint; readonly payload: string }[]) {
    this.#sources = sources.map(({ position }) => position)
    this.#state = {
      entries: sources.map(({ payload }) => ({ payload, streamKey: undefined, version: undefined })),
      known: new Map(),
      versions: new Map(),
      cursors: new Map(),
      documents: new Map(),
      lastWrites: new Map()
    }
  }

  get state(): State {
    return this.#state
  }

  versionOf(key: string): number {
    return this.#state.versions.get(key) ?? 0
  }

  /** 0 when there is no such document. */
  revisionOf(collection: string, id: string): number {
    const document = this.#state.documents.get(collection)?.get(id)
    return document === undefined ? 0 : (this.revisions.get(document.write) ?? Number.NaN)
  }

  create(name: string, position: Checkpoint, guards: boolean): boolean {
    if (this.#state.cursors.has(name)) return false
    this.#state.cursors.set(name, { position, guards })
    return true
  }

  remove(name: string): boolean {
    return this.#state.cursors.delete(name)
  }

  trim(keep: number) {
    const wanted = Math.max(0, this.#state.entries.length - keep)
    const guards = [...this.#state.cursors.values()].filter(({ guards }) => guards)
    const passed = guards.map(({ position }) => Math.max(0, this.#sources.indexOf(position) + 1 - this.#trimmed))
    const allowed = Math.min(...passed, Number.POSITIVE_INFINITY)
    const removed = Math.min(wanted, allowed)
    this.#state.entries.splice(0, removed)
    this.#trimmed += removed
    return { removed, guarded: allowed < wanted }
  }

  lagOf(position: Checkpoint): number {
    return this.#state.entries.length - Math.max(0, this.#sources.indexOf(position) + 1 - this.#trimmed)
  }

  /** A lease went to another holder. */
  takeLease(name: string, token: number): void {
    this.#tokens.set(name, token)
  }

  tokenOf(lease: string): number {
    return this.#tokens.get(lease) ?? 0
  }

  /** A page of what is there, behind so many entries that there ever were. Returns how many are passed by then, too. */
  page(passed: number, limit: number): { readonly payloads: readonly string[]; readonly passed: number } {
    const from = Math.max(0, passed - this.#trimmed)
    const payloads = this.#state.entries.slice(from, from + limit).map(({ payload }) => payload)
    return { payloads, passed: payloads.length === 0 ? passed : this.#trimmed + from + payloads.length }
  }

  commit(unit: Unit): Outcome {
    const before = structuredClone(this.#state)
    const outcome = this.#commit(unit)
    if (outcome.kind === 'refused') this.#state = before
    return outcome
  }

  #commit({ fence = [], cursors = [], append = { entries: [] }, write = [] }: Unit): Outcome {
    const refused = this.#fence(fence) ?? this.#move(cursors)
    if (refused !== undefined) return refused
    const appended = this.#append(append)
    if ('kind' in appended) return appended
    const writes = this.#write(write)
    if ('kind' in writes) return writes
    return { kind: 'committed', appended: appended.value, writes: writes.value }
  }

  #fence(fences: readonly Fence[]): Refused | undefined {
    const index = fences.findIndex(({ lease, token }) => this.tokenOf(lease) !== token)
    return index < 0 ? undefined : { kind: 'refused', part: 'fence', index, reason: 'fenced' }
  }

  #move(moves: readonly CursorMove[]): Refused | undefined {
    for (const [index, { name, to, expected }] of moves.entries()) {
      const cursor = this.#state.cursors.get(name)
      if (cursor === undefined) return { kind: 'refused', part: 'cursors', index, reason: 'not_found' }
      if (expected !== undefined && expected !== cursor.position) {
        return { kind: 'refused', part: 'cursors', index, reason: 'conflict' }
      }
      this.#state.cursors.set(name, { ...cursor, position: to })
    }
    return undefined
  }

  #append({
    entries,
    expected = []
  }: NonNullable<Unit['append']>): Result<Pick<AppendResult, 'duplicate' | 'version'>[]> {
    const { known, versions } = this.#state
    const index = expected.findIndex(({ key, version }) => this.versionOf(key) !== version)
    if (index >= 0 && entries.some(({ eventId }) => !known.has(eventId))) {
      return { kind: 'refused', part: 'append', index, reason: 'version_conflict' }
    }
    const value = entries.map(({ eventId, streamKey, payload }) => {
      const duplicate = known.has(eventId)
      if (!duplicate) {
        const version = streamKey === undefined ? undefined : this.versionOf(streamKey) + 1
        if (streamKey !== undefined && version !== undefined) versions.set(streamKey, version)
        known.set(eventId, version)
        this.#state.entries.push({ payload, streamKey, version })
      }
      const version = streamKey === undefined ? undefined : known.get(eventId)
      return { duplicate, ...(version !== undefined && { version }) }
    })
    return { value }
  }

  #write(writes: readonly Write[]): Result<number[]> {
    const value: number[] = []
    for (const [index, { collection, id, value: text, expected }] of writes.entries()) {
      const name = String(collection)
      const documents = this.#state.documents.get(name) ?? new Map<string, ModelDocument>()
      this.#state.documents.set(name, documents)
      if (expected !== undefined && this.revisionOf(name, id) !== expected) {
        return { kind: 'refused', part: 'write', index, reason: 'conflict' }
      }
      if (text !== null || documents.has(id)) this.#state.lastWrites.set(name, ++this.#writes)
      if (text === null) documents.delete(id)
      else documents.set(id, { value: text, write: this.#writes })
      value.push(this.#state.lastWrites.get(name) ?? 0)
    }
    return { value }
  }
}
