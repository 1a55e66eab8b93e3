import type { Refused, Unit, UnitResult, Write } from '../port.ts'
import { assertUnits } from '../unit-terms.ts'
import type { AppendStep } from './append-step.ts'
import { type Appender, toAppendResult } from './appender.ts'
import type { Connection } from './connection.ts'
import type { SqliteCursors } from './cursors.ts'
import type { Documents } from './documents.ts'
import type { SqliteLeases } from './leases.ts'
import { PendingUnits } from './pending-units.ts'

export interface CommitterParts {
  readonly connection: Connection
  readonly appender: Appender
  readonly cursors: SqliteCursors
  readonly documents: Documents
  readonly leases: SqliteLeases
}

/** Commits the units of a call in one step of the connection, each in a savepoint of its own. */
export class Committer {
  readonly #parts: CommitterParts
  readonly #pending: PendingUnits

  constructor(parts: CommitterParts) {
    this.#parts = parts
    this.#pending = new PendingUnits(parts.connection)
  }

  async commit(units: readonly Unit[], timeoutMs: number): Promise<UnitResult[]> {
    const { connection, appender } = this.#parts
    connection.assertOpen()
    assertUnits(units)
    if (units.length === 0) return []
    if (doAppend(units)) await appender.approach()
    // A document that is erased later must not be found where an earlier write left it.
    const writesDocuments = units.some(({ write = [] }) => write.length > 0)
    return writesDocuments
      ? connection.overwrite(() => this.#commitAll(units), timeoutMs)
      : connection.write(() => this.#commitAll(units), timeoutMs)
  }

  #commitAll(units: readonly Unit[]): UnitResult[] {
    const { connection, appender } = this.#parts
    connection.assertFileStands()
    const appends = doAppend(units) ? appender.begin() : undefined
    return units.map((unit) => this.#commitInSavepoint(unit, appends))
  }

  #commitInSavepoint(unit: Unit, appends: AppendStep | undefined): UnitResult {
    const { connection } = this.#parts
    const size = appends?.size ?? 0
    connection.statement('SAVEPOINT unit').run()
    const result = this.#commitOne(unit, appends)
    if (result.kind === 'refused') {
      connection.statement('ROLLBACK TO unit').run()
      appends?.rollBackTo(size)
    }
    connection.statement('RELEASE unit').run()
    return result
  }

  #commitOne(unit: Unit, appends: AppendStep | undefined): UnitResult {
    const { append, write = [] } = unit
    const refused = this.#holdAndMove(unit)
    if (refused !== undefined) return refused
    const appended = (append && appends?.append(append.entries, append.expected ?? [])) ?? []
    if ('index' in appended) return refuse('append', appended.index, 'version_conflict')
    const revisions = this.#write(write)
    if ('kind' in revisions) return revisions
    return { kind: 'committed', appended: appended.map(toAppendResult), revisions }
  }

  /** The parts before the append. */
  #holdAndMove({ fence, acknowledge, attach, requeue, cursors }: Unit): Refused | undefined {
    const { leases, cursors: all } = this.#parts
    return (
      each('fence', fence, (one) => (leases.stands(one) ? undefined : 'fenced')) ??
      each('acknowledge', acknowledge, (one) => this.#pending.acknowledge(one)) ??
      each('attach', attach, (one) => this.#pending.attach(one)) ??
      each('requeue', requeue, (one) => this.#pending.requeue(one)) ??
      each('cursors', cursors, (one) => all.move(one))
    )
  }

  #write(writes: readonly Write[]): number[] | Refused {
    const revisions: number[] = []
    for (const [index, write] of writes.entries()) {
      const revision = this.#parts.documents.write(write)
      if (revision === undefined) return refuse('write', index, 'conflict')
      revisions.push(revision)
    }
    return revisions
  }
}

function doAppend(units: readonly Unit[]): boolean {
  return units.some(({ append }) => append !== undefined)
}

/** Does each of a part, up to the first that does not hold. */
function each<One>(
  part: Refused['part'],
  ones: readonly One[] = [],
  work: (one: One) => Refused['reason'] | undefined
): Refused | undefined {
  for (const [index, one] of ones.entries()) {
    const reason = work(one)
    if (reason !== undefined) return refuse(part, index, reason)
  }
  return undefined
}

function refuse(part: Refused['part'], index: number, reason: Refused['reason']): Refused {
  return { kind: 'refused', part, index, reason }
}
