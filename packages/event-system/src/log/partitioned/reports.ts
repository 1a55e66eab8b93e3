import type { EventLog, MessageId } from '../port.ts'
import type { Committer } from './committer.ts'
import type { Holdings } from './holdings.ts'
import { documentId, memberName, REPORTS } from './names.ts'

export interface ReportsParts {
  readonly log: Pick<EventLog, 'cursors' | 'commit' | 'compare'>
  readonly group: string
  readonly member: string
  readonly leaseMs: number
  readonly holdings: Holdings
  readonly committer: Committer
}

/** What a member has in flight, as it said when it renewed last. */
export interface Report {
  readonly leaseMs: number
  /** By partition. */
  readonly pending: Readonly<Record<number, number>>
  readonly retrying: number
}

/**
 * What others see of a member: the cursors of its partitions, which move past the entries of other partitions, its report, and a cursor
 * that does not guard, up to which it has handed out entries. The log counts the lag behind that cursor.
 */
export class Reports {
  readonly #parts: ReportsParts
  #told: string | undefined
  #hasCursor = false

  constructor(parts: ReportsParts) {
    this.#parts = parts
  }

  async tell(): Promise<void> {
    const { log, group, member, holdings, committer } = this.#parts
    await committer.take(() => [...holdings].map((partition) => ({ partition, step: partition.finish([]) })))
    const position = this.#position()
    if (position === undefined) return this.#told === undefined ? undefined : this.forget(new Set([member]))
    const value = JSON.stringify(this.#report())
    const told = `${position} ${value}`
    if (told === this.#told) return
    const name = memberName(group, member)
    if (!this.#hasCursor) await log.cursors.create(name, { after: position }, { guards: false })
    const write = [{ collection: REPORTS, id: documentId(group, member), value }]
    const [result] = await log.commit([{ cursors: [{ name, to: position }], write }])
    this.#hasCursor = result?.kind === 'committed'
    this.#told = this.#hasCursor ? told : undefined
  }

  /** Of members that are no more. */
  async forget(members: ReadonlySet<string>): Promise<void> {
    const { log, group, member } = this.#parts
    if (members.size === 0) return
    if (members.has(member)) {
      this.#told = undefined
      this.#hasCursor = false
    }
    await log.commit([
      { write: [...members].map((name) => ({ collection: REPORTS, id: documentId(group, name), value: null })) }
    ])
    for (const name of members) await log.cursors.remove(memberName(group, name))
  }

  /** Everything up to here is handed out. Undefined: the member owns nothing. */
  #position(): MessageId | undefined {
    const { log, holdings } = this.#parts
    let position: MessageId | undefined
    for (const { handedOutTo } of holdings) {
      if (position === undefined || log.compare(handedOutTo, position) < 0) position = handedOutTo
    }
    return position
  }

  #report(): Report {
    const { leaseMs, holdings } = this.#parts
    const pending: Record<number, number> = {}
    let retrying = 0
    for (const owned of holdings) {
      const ofPartition = owned.pending
      if (ofPartition.length > 0) pending[owned.partition] = ofPartition.length
      retrying += ofPartition.filter(({ note }) => note !== undefined).length
    }
    return { leaseMs, pending, retrying }
  }
}
