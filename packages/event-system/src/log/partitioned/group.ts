import { EventSystemError } from '@tradpal/events'
import type {
  GroupInfo,
  MemberOptions,
  MessageId,
  PartitionedGroup,
  PartitionMember,
  PendingEntry,
  Position,
  Storage,
  Write
} from '../port.ts'
import { type Defined, type Definition, type Destroyed, definitionOf, isLiving, livingOf } from './definition.ts'
import { mustBeDrained, mustNotLive, positionsOf } from './divide.ts'
import { describe } from './info.ts'
import { LeasedMember } from './member.ts'
import { documentId, GROUPS, ofGroup, partitionName, RECORDS, REPORTS, REQUEUED } from './names.ts'
import { compareIn } from './order.ts'
import { pendingOf } from './pending.ts'
import { withAllLeases } from './takeover.ts'

const PAGE = 100

/** A partitioned group over the leases, cursors and collections of a log. */
export class LeasedGroup implements PartitionedGroup {
  readonly name: string
  readonly #storage: Storage

  constructor(name: string, storage: Storage) {
    if (name === '') throw new EventSystemError('invalid_argument', 'The name of a group is empty.')
    this.name = name
    this.#storage = storage
  }

  async create(at: Position): Promise<boolean> {
    const defined = await definitionOf(this.#storage.collections, this.name)
    if (defined !== undefined && isLiving(defined)) return false
    const before = (await this.#sharedPosition()) ?? (defined && retiredPosition(defined))
    const isNew = await this.#createAt(before === undefined ? at : { after: before }, defined)
    if (before !== undefined) await this.#storage.queue(this.name).destroy()
    return isNew
  }

  async restore(fallback: Position): Promise<boolean> {
    const defined = await definitionOf(this.#storage.collections, this.name)
    return this.create(defined?.definition.kind === 'destroyed' ? { after: defined.definition.position } : fallback)
  }

  /** Until its first member joins, the group has the cursor of partition 0 alone. */
  async #createAt(at: Position, defined: Defined | undefined): Promise<boolean> {
    if (defined !== undefined) await this.#removeRest(defined.definition.cursors)
    await this.#storage.cursors.create(partitionName(this.name, 0), at)
    const created: Definition = { kind: 'living', partitions: null, cursors: 1 }
    return this.#define(created, defined?.revision ?? 0)
  }

  async #define(definition: Definition, expected: number): Promise<boolean> {
    const write = [{ collection: GROUPS, id: this.name, value: JSON.stringify(definition), expected }]
    const [result] = await this.#storage.commit([{ write }])
    return result?.kind === 'committed'
  }

  /** Where a group stands that shared entry by entry until now. Undefined: there is none. Rejects with `group_conflict`. */
  async #sharedPosition(): Promise<MessageId | undefined> {
    const names = await this.#storage.groupNames()
    if (!names.includes(this.name)) return undefined
    const { pending, consumers, lastDelivered } = await this.#storage.queue(this.name).info()
    if (pending === 0 && consumers.length === 0) return lastDelivered
    const why = pending > 0 ? 'events of it are pending' : `${consumers.map(({ name }) => name).join(', ')} consume it`
    throw new EventSystemError(
      'group_conflict',
      `The group '${this.name}' shares event by event, and ${why}: order it by key when nothing is pending and its consumers have left.`
    )
  }

  async destroy(): Promise<boolean> {
    const defined = await definitionOf(this.#storage.collections, this.name)
    if (defined === undefined) return false
    const { definition } = defined
    if (definition.kind === 'destroyed') {
      await this.#removeRest(definition.cursors)
      return false
    }
    await withAllLeases(this.#storage.leases, this.name, definition.partitions ?? 0, async () => {
      const position = this.#first(await positionsOf(this.#storage, this.name, definition.partitions ?? 1))
      await this.#end(defined, { kind: 'destroyed', position, cursors: definition.cursors })
    })
    return true
  }

  async exists(): Promise<boolean> {
    const defined = await definitionOf(this.#storage.collections, this.name)
    return defined !== undefined && isLiving(defined)
  }

  async retire(): Promise<MessageId | undefined> {
    const defined = await definitionOf(this.#storage.collections, this.name)
    if (defined === undefined) return undefined
    if (!isLiving(defined)) return retiredPosition(defined)
    const { partitions, cursors } = defined.definition
    const use = { storage: this.#storage, group: this.name, to: 'to share it event by event' }
    await mustNotLive(use)
    return withAllLeases(this.#storage.leases, this.name, partitions ?? 0, async () => {
      await mustNotLive(use)
      const position = await mustBeDrained(use, partitions ?? 1)
      await this.#end(defined, { kind: 'destroyed', position, cursors, isRetired: true })
      return position
    })
  }

  async forget(): Promise<void> {
    const defined = await definitionOf(this.#storage.collections, this.name)
    if (defined === undefined || retiredPosition(defined) === undefined) return
    await this.#removeRest(defined.definition.cursors)
    const write = [{ collection: GROUPS, id: this.name, value: null, expected: defined.revision }]
    await this.#storage.commit([{ write }])
  }

  /** The position is kept before anything is removed: who dies in between leaves a group that is destroyed, and the next to create it removes the rest. */
  async #end({ revision }: Defined, destroyed: Destroyed): Promise<void> {
    const isEnded = await this.#define(destroyed, revision)
    if (!isEnded)
      throw new EventSystemError('group_conflict', `The group ${this.name} was changed at the same time: look again.`)
    await this.#removeRest(destroyed.cursors)
  }

  #first(positions: readonly (MessageId | undefined)[]): MessageId {
    const known = positions.filter((position) => position !== undefined)
    return known.reduce((first, position) => (compareIn(this.#storage.log, position, first) < 0 ? position : first))
  }

  /** What a group that is destroyed may have left. */
  async #removeRest(cursors: number): Promise<void> {
    for (let partition = 0; partition < cursors; partition++) {
      await this.#storage.cursors.remove(partitionName(this.name, partition))
    }
    for (const collection of [RECORDS, REPORTS, REQUEUED]) {
      for (;;) {
        const page = await this.#storage.collections.list(collection, { prefix: ofGroup(this.name), limit: PAGE })
        if (page.length > 0)
          await this.#storage.commit([{ write: page.map(({ id }) => ({ collection, id, value: null })) }])
        if (page.length < PAGE) break
      }
    }
  }

  async seek(to: Position): Promise<void> {
    const { definition } = await livingOf(this.#storage.collections, this.name)
    const partitions = definition.partitions ?? 1
    const position = await this.#resolve(to)
    await withAllLeases(this.#storage.leases, this.name, partitions, async (fence) => {
      const numbers = Array.from({ length: partitions }, (_, partition) => partition)
      const [result] = await this.#storage.commit([
        {
          fence,
          cursors: numbers.map((partition) => ({ name: partitionName(this.name, partition), to: position })),
          write: numbers.map((partition) => ({
            collection: RECORDS,
            id: documentId(this.name, partition),
            value: null
          }))
        }
      ])
      if (result?.kind === 'committed') return
      throw new EventSystemError('group_conflict', `The group ${this.name} was changed at the same time: try again.`)
    })
  }

  async #resolve(to: Position): Promise<MessageId> {
    const name = partitionName(this.name, 0).replace(/0$/, `seek/${crypto.randomUUID()}`)
    const { cursors } = this.#storage
    try {
      await cursors.create(name, to, { guards: false })
      return (await cursors.positions([name]))[0] as MessageId
    } finally {
      await cursors.remove(name)
    }
  }

  info(): Promise<GroupInfo> {
    return describe(this.#storage, this.name)
  }

  async pending(options: { limit: number; after?: MessageId }): Promise<PendingEntry[]> {
    await livingOf(this.#storage.collections, this.name)
    return pendingOf(this.#storage, this.name, options)
  }

  requeue(messageId: MessageId, attachment = ''): Write {
    return { collection: REQUEUED, id: documentId(this.name, messageId), value: attachment }
  }

  join(member: string, options: MemberOptions): PartitionMember {
    return new LeasedMember(member, this.name, this.#storage, options)
  }
}

function retiredPosition({ definition }: Defined): MessageId | undefined {
  return definition.kind === 'destroyed' && definition.isRetired ? definition.position : undefined
}
