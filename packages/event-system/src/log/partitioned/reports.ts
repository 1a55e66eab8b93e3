import type { MessageId, Storage } from '../port.ts'
import type { Committer } from './committer.ts'
import type { Holdings } from './holdings.ts'
import { documentId, memberName, REPORTS } from './names.ts'
import { compareIn } from './order.ts'

export interface ReportsParts {
  readonly storage: Pick<Storage, 'cursors' | 'commit' | 'log'>
  readonly group: string
  readonly member: string
  readonly leaseMs: number
  readonly holdings: Holdings
  readonly committer: Committer
}

/** What a member has in flight, as it said when it renewed last. */
export interface Report {
  readonly leaseMs: number
  /** By partition: the epoch in which it owned the partition. */
  readonly owned: Readonly<Record<number, number>>
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
    const { storage, group, member, holdings, committer } = this.#parts
    const name = memberName(group, member)
    const first = this.#position()
    if (first === undefined) return this.#told === undefined ? undefined : this.forget(new Set([member]))
    if (!this.#hasCursor) await storage.cursors.create(name, { after: first }, { guards: false })
    let told: string | undefined
    const result = await committer.takeWith(
      () => [...holdings].map((partition) => ({ partition, step: partition.finish([]) })),
      () => {
        const to = this.#position() ?? first
        const value = JSON.stringify(this.#report())
        told = `${to} ${value}`
        if (told === this.#told) return undefined
        return { cursors: [{ name, to }], write: [{ collection: REPORTS, id: documentId(group, member), value }] }
      }
    )
    if (result === undefined) return
    this.#hasCursor = result.kind === 'committed'
    this.#told = this.#hasCursor ? told : undefined
  }

  /** Of members that are no more. */
  async forget(members: ReadonlySet<string>): Promise<void> {
    const { storage, group, member } = this.#parts
    if (members.size === 0) return
    if (members.has(member)) {
      this.#told = undefined
      this.#hasCursor = false
    }
    await storage.commit([
      { write: [...members].map((name) => ({ collection: REPORTS, id: documentId(group, name), value: null })) }
    ])
    for (const name of members) await storage.cursors.remove(memberName(group, name))
  }

  /** Everything up to here is handed out. Undefined: the member owns nothing. */
  #position(): MessageId | undefined {
    const { storage, holdings } = this.#parts
    let position: MessageId | undefined
    for (const { handedOutTo } of holdings) {
      if (position === undefined || compareIn(storage.log, handedOutTo, position) < 0) position = handedOutTo
    }
    return position
  }

  #report(): Report {
    const { leaseMs, holdings } = this.#parts
    const owned: Record<number, number> = {}
    const pending: Record<number, number> = {}
    let retrying = 0
    for (const partition of holdings) {
      owned[partition.partition] = partition.epoch
      const ofPartition = partition.pending
      if (ofPartition.length > 0) pending[partition.partition] = ofPartition.length
      retrying += ofPartition.filter(({ note }) => note !== undefined).length
    }
    return { leaseMs, owned, pending, retrying }
  }
}
