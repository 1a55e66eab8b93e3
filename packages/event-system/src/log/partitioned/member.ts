import { counted, EventSystemError } from '@tradpal/events'
import type {
  MemberOptions,
  MessageId,
  OwnedPartition,
  Ownership,
  PartitionDelivery,
  PartitionMember,
  PartitionUnit,
  Storage,
  UnitResult
} from '../port.ts'
import { assignmentOf } from './assignment.ts'
import { Changes, whicheverFirst } from './changes.ts'
import { Committer } from './committer.ts'
import { livingOf } from './definition.ts'
import { divide } from './divide.ts'
import { Holdings } from './holdings.ts'
import { documentId, memberName, partitionName, RECORDS } from './names.ts'
import { compareIn } from './order.ts'
import { DANGEROUS_ATTEMPT, Partition, type Unfinished } from './partition.ts'
import { Reader } from './reader.ts'
import { parseRecord } from './record.ts'
import { Reports } from './reports.ts'
import { Requeued } from './requeued.ts'
import { type Assignment, shareOf } from './shares.ts'
import { Turns } from './turns.ts'

const MOST_PARTITIONS = 1_024
/** A member of a partitioned group, over leases, cursors and collections. */
export class LeasedMember implements PartitionMember {
  readonly name: string
  readonly #storage: Storage
  readonly #group: string
  readonly #options: MemberOptions
  readonly #holdings = new Holdings()
  readonly #changes = new Changes()
  readonly #committer: Committer
  readonly #reader: Reader
  readonly #requeued: Requeued
  readonly #reports: Reports
  /** Renewing, giving up and leaving, one after the other. */
  readonly #turns = new Turns()
  #first = 0
  /** A member of this name may have died before. */
  #hasJoined = false
  #telling: Promise<void> | undefined
  /** Why nothing can be read: the group is gone. */
  #gone: Error | undefined

  constructor(name: string, group: string, storage: Storage, options: MemberOptions) {
    assertOptions(name, options)
    const { cut } = options
    this.name = name
    this.#storage = storage
    this.#group = group
    this.#options = options
    const parts = { storage, group, cut, holdings: this.#holdings, changes: this.#changes }
    this.#committer = new Committer(parts)
    this.#reader = new Reader(parts)
    this.#requeued = new Requeued(parts)
    this.#reports = new Reports({ ...parts, member: name, leaseMs: options.leaseMs, committer: this.#committer })
  }

  renew(): Promise<Ownership> {
    return this.#turns.take(async () => {
      if (!this.#hasJoined) await this.#reports.forget(new Set([this.name]))
      this.#hasJoined = true
      const [assignment] = await Promise.all([
        assignmentOf(this.#storage.leases, this.#group, this.#options.cut.partitions),
        this.#mustFit()
      ])
      const surplus = await this.#takeShare(assignment)
      this.#gone = undefined
      this.#holdings.setSurplus(surplus)
      this.#changes.tell()
      await this.#tell()
      return { owned: this.#holdings.tenures(), surplus: this.#holdings.surplus }
    })
  }

  /** A log that is slow to write must not delay the next renewal: the report is left to itself then. */
  async #tell(): Promise<void> {
    this.#telling ??= this.#reports.tell().finally(() => {
      this.#telling = undefined
    })
    this.#telling.catch(() => {})
    const patience = Promise.withResolvers<void>()
    const timer = setTimeout(patience.resolve, this.#options.leaseMs / 6)
    await Promise.race([this.#telling, patience.promise]).finally(() => clearTimeout(timer))
  }

  /** Divides a group that nobody has divided, or that has another number of partitions. Rejects with `not_found` and `group_conflict`. */
  async #mustFit(): Promise<void> {
    const { partitions } = this.#options.cut
    for (;;) {
      const living = await livingOf(this.#storage.collections, this.#group).catch((error) => this.#end(error))
      const { definition } = living
      if (definition.partitions === partitions && definition.cursors === partitions) return
      await divide({ storage: this.#storage, group: this.#group, member: this.name, living, partitions })
    }
  }

  /** Resolves to the surplus. */
  async #takeShare({ owners, members }: Assignment): Promise<readonly number[]> {
    const { leases } = this.#storage
    const { leaseMs } = this.#options
    const { take, surplus } = shareOf(this.name, { owners, members })
    const own = owners.flatMap((owner, partition) => (owner === this.name ? [partition] : []))
    const wanted = [...new Set([...own, ...[...this.#holdings].map(({ partition }) => partition), ...take])]
    const names = [
      memberName(this.#group, this.name),
      ...wanted.map((partition) => partitionName(this.#group, partition))
    ]
    const [, ...tokens] = await leases.acquire(names, { holder: this.name, ttlMs: leaseMs })
    const had: OwnedPartition[] = []
    for (const [i, partition] of wanted.entries()) {
      const epoch = tokens[i]
      if (epoch !== undefined) had.push({ partition, epoch })
    }
    for (const held of [...this.#holdings]) {
      if (!had.some(({ partition, epoch }) => partition === held.partition && epoch === held.epoch))
        this.#holdings.remove(held)
    }
    const gained = had.filter((one) => !this.#holdings.has(one))
    if (gained.length > 0) await this.#open(gained, members)
    await this.#requeued.look({ all: gained.length > 0 })
    return surplus
  }

  async #open(gained: readonly OwnedPartition[], members: readonly string[]): Promise<void> {
    const { collections, cursors } = this.#storage
    const ids = gained.map(({ partition }) => documentId(this.#group, partition))
    const [documents, positions, { last: newest }] = await Promise.all([
      collections.get(RECORDS, ids),
      cursors.positions(gained.map(({ partition }) => partitionName(this.#group, partition))),
      this.#storage.log.bounds(),
      // A group that was divided otherwise before the leases were taken is not to be read by this cut.
      this.#mustFit()
    ])
    const partitions = gained.map(({ partition, epoch }, i) => {
      const cursor = positions[i]
      if (cursor === undefined) return this.#end(noCursor(this.#group))
      const record = parseRecord(documents[i]?.value)
      const compare = (a: MessageId, b: MessageId) => compareIn(this.#storage.log, a, b)
      return {
        before: record.owner,
        opened: new Partition({ partition, epoch, owner: this.name, cursor, record, newest, compare })
      }
    })
    await this.#committer.open(partitions.map(({ opened }) => opened))
    const dead = partitions.flatMap(({ before }) => (before === null || members.includes(before) ? [] : [before]))
    await this.#reports.forget(new Set(dead.filter((name) => name !== this.name)))
  }

  async read({
    limit,
    waitMs,
    signal
  }: {
    limit: number
    waitMs: number
    signal?: AbortSignal
  }): Promise<PartitionDelivery[]> {
    assertLimit(limit)
    const deadline = performance.now() + waitMs
    for (;;) {
      if (signal?.aborted) return []
      if (this.#gone !== undefined) throw this.#gone
      const change = this.#changes.next()
      const deliveries = await this.#handOut(limit)
      if (deliveries.length > 0) return deliveries
      if (await this.#reader.fill(this.#holdings.handingOut(), waitMs > 0)) continue
      const leftMs = deadline - performance.now()
      if (leftMs <= 0) return []
      await whicheverFirst(change, leftMs, signal)
    }
  }

  /** Of each partition its share of the limit, and each time another partition first. */
  async #handOut(limit: number): Promise<PartitionDelivery[]> {
    const ready = this.#apartFromDanger(this.#holdings.handingOut().filter(({ hasWaiting }) => hasWaiting))
    if (ready.length === 0) return []
    const first = this.#first++ % ready.length
    const inTurn = [...ready.slice(first), ...ready.slice(0, first)]
    const deliveries: PartitionDelivery[] = []
    const writing: { partition: Partition; limit: number }[] = []
    let left = limit
    for (const [i, partition] of inTurn.entries()) {
      const share = Math.ceil(left / (inTurn.length - i))
      if (share === 0) break
      const handOut = partition.handOut(share)
      left -= handOut.entries.length
      if (handOut.step.record !== undefined) {
        writing.push({ partition, limit: share })
      } else {
        partition.applyHandOut(handOut)
        deliveries.push(...deliveriesOf(partition, handOut.entries))
      }
    }
    // When the log fails, the others must not be lost: the next call meets the failure.
    if (writing.length === 0 || deliveries.length > 0) return deliveries
    return this.#handOutWritten(writing)
  }

  /** Leaves out partitions whose next entry must wait, so that of entries that may end this member one is in flight at a time. */
  #apartFromDanger(ready: readonly Partition[]): readonly Partition[] {
    const withSuspects = ready.filter(({ hasSuspects }) => hasSuspects)
    if (withSuspects.length === 0) return ready
    const inFlight = Math.max(0, ...[...this.#holdings].map(({ suspectInFlight }) => suspectInFlight))
    const dangerous = withSuspects.filter(({ isNextDangerous }) => isNextDangerous)
    let allowed = withSuspects.filter((partition) => !dangerous.includes(partition))
    if (inFlight >= DANGEROUS_ATTEMPT) allowed = []
    else if (inFlight === 0 && dangerous.length > 0) allowed = dangerous.slice(0, 1)
    return ready.filter((partition) => !withSuspects.includes(partition) || allowed.includes(partition))
  }

  /** What is written down before it is handed out. */
  async #handOutWritten(writing: readonly { partition: Partition; limit: number }[]): Promise<PartitionDelivery[]> {
    const handed = await this.#committer.handOut(() =>
      writing
        .filter(({ partition }) => this.#holdings.has(partition))
        .map(({ partition, limit }) => ({ partition, handOut: partition.handOut(limit) }))
    )
    return handed.flatMap(({ partition, handOut }) => deliveriesOf(partition, handOut.entries))
  }

  async commit(units: readonly PartitionUnit[]): Promise<UnitResult[]> {
    const results = await this.#committer.commit(units)
    this.#changes.tell()
    return results
  }

  giveUp(partitions: readonly number[]): Promise<void> {
    return this.#turns.take(() => this.#giveUp(partitions))
  }

  async #giveUp(partitions: readonly number[]): Promise<void> {
    const owned = partitions.map((partition) => this.#holdings.get(partition)).filter((one) => one !== undefined)
    const released = await this.#committer.take(() =>
      owned.map((partition) => ({ partition, step: partition.release() }))
    )
    for (const { partition } of released) this.#holdings.remove(partition)
    const names = owned.map(({ partition }) => partitionName(this.#group, partition))
    await this.#storage.leases.release(names, this.name)
  }

  leave(): Promise<void> {
    return this.#turns.take(async () => {
      this.#reader.rest()
      this.#hasJoined = false
      await this.#telling?.catch(() => {})
      await this.#giveUp([...this.#holdings].map(({ partition }) => partition))
      await this.#reports.forget(new Set([this.name]))
      await this.#storage.leases.release([memberName(this.#group, this.name)], this.name)
    })
  }

  /** Owns nothing more where the group is gone. */
  #end(error: unknown): never {
    if (error instanceof EventSystemError && error.code === 'not_found') {
      for (const held of [...this.#holdings]) this.#holdings.remove(held)
      this.#gone = error
      this.#changes.tell()
    }
    throw error
  }
}

function deliveriesOf({ partition, epoch }: Partition, entries: readonly Unfinished[]): PartitionDelivery[] {
  return entries.map((one) => {
    const { entry, attempt, note } = one
    // The receiver has it now.
    one.entry = undefined
    const written = note === undefined ? {} : { attachment: note }
    return { ...(entry as NonNullable<typeof entry>), partition, epoch, attempt, ...written }
  })
}

function noCursor(group: string): EventSystemError {
  return new EventSystemError('not_found', `The partitioned group ${group} is being destroyed: create it again.`)
}

function assertLimit(limit: number): void {
  if (Number.isSafeInteger(limit) && limit >= 1) return
  throw new EventSystemError('invalid_argument', `limit is ${limit}: it is a whole number, 1 or more.`)
}

function assertOptions(name: string, { leaseMs, cut: { partitions } }: MemberOptions): void {
  if (name === '') throw new EventSystemError('invalid_argument', 'The name of a member is empty.')
  if (!Number.isSafeInteger(partitions) || partitions < 1 || partitions > MOST_PARTITIONS) {
    const sentence = `A group has 1 to ${counted(MOST_PARTITIONS, 'partition')}, got ${partitions}.`
    throw new EventSystemError('invalid_argument', sentence)
  }
  if (Number.isSafeInteger(leaseMs) && leaseMs >= 1) return
  throw new EventSystemError('invalid_argument', `leaseMs is ${leaseMs}: it is a whole number, 1 or more.`)
}
