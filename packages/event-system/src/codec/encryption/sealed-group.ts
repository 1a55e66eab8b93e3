import type {
  ConsumerGroup,
  Delivery,
  GroupInfo,
  Hold,
  Ledger,
  MessageId,
  PendingEntry,
  PendingRange,
  PendingTexts,
  Position,
  Settlement,
  SettlementResult,
  ShardAssignment,
  ShardDelivery,
  ShardHold,
  ShardingOptions,
  ShardMember,
  ShardTenure
} from '../../log/index.ts'
import { SealedLedger } from './sealed-ledger.ts'
import { openLetter, openNote, sealedAnew, sealLetter, sealNote, subjectIdOf } from './sealed-letters.ts'
import type { TextVault } from './text-vault.ts'

/** A group whose notes, errors and ledger are sealed in the log. */
export class SealedGroup implements ConsumerGroup {
  readonly ledger: Ledger
  readonly #group: ConsumerGroup
  readonly #notes: SealedNotes
  readonly #vault: TextVault

  constructor(group: ConsumerGroup, vault: TextVault) {
    this.#group = group
    this.#vault = vault
    this.#notes = new SealedNotes(group.name, vault)
    this.ledger = new SealedLedger(group.ledger, group.name, vault)
  }

  get name(): string {
    return this.#group.name
  }

  create(at: Position): Promise<boolean> {
    return this.#group.create(at)
  }

  restore(fallback: Position): Promise<boolean> {
    return this.#group.restore(fallback)
  }

  keepPlace(): Promise<void> {
    return this.#group.keepPlace()
  }

  destroy(): Promise<boolean> {
    return this.#group.destroy()
  }

  async read(consumer: string, options: { limit: number; waitMs: number; signal?: AbortSignal }): Promise<Delivery[]> {
    return this.#notes.open(await this.#group.read(consumer, options))
  }

  acknowledge(consumer: string, holds: readonly Hold[]): Promise<MessageId[]> {
    return this.#group.acknowledge(consumer, holds)
  }

  async settle(consumer: string, settlements: readonly Settlement[]): Promise<SettlementResult[]> {
    return this.#notes.told(await this.#group.settle(consumer, await this.#notes.seal(settlements)))
  }

  async pending(range: PendingRange): Promise<PendingEntry[]> {
    return this.#notes.open(await this.#group.pending(range))
  }

  async claim(
    consumer: string,
    options: { minIdleMs: number; limit: number; heldBy?: string; after?: MessageId }
  ): Promise<Delivery[]> {
    return this.#notes.open(await this.#group.claim(consumer, options))
  }

  extend(consumer: string, holds: readonly Hold[]): Promise<MessageId[]> {
    return this.#group.extend(consumer, holds)
  }

  release(consumer: string, holds: readonly Hold[], options?: { delayMs?: number }): Promise<MessageId[]> {
    return this.#group.release(consumer, holds, options)
  }

  sharded(member: string, options: ShardingOptions): ShardMember {
    return new SealedMember(this.#group.sharded(member, options), new SealedNotes(this.name, this.#vault))
  }

  rewrite(messageIds: readonly MessageId[], change: (texts: PendingTexts) => PendingTexts): Promise<number> {
    return this.#group.rewrite(messageIds, (kept) => this.#notes.changed(kept, change))
  }

  seek(to: Position): Promise<void> {
    return this.#group.seek(to)
  }

  removeConsumer(consumer: string, options?: { minIdleMs?: number }): Promise<boolean> {
    return this.#group.removeConsumer(consumer, options)
  }

  info(): Promise<GroupInfo> {
    return this.#group.info()
  }
}

class SealedMember implements ShardMember {
  readonly #member: ShardMember
  readonly #notes: SealedNotes

  constructor(member: ShardMember, notes: SealedNotes) {
    this.#member = member
    this.#notes = notes
  }

  get name(): string {
    return this.#member.name
  }

  renew(): Promise<ShardAssignment> {
    return this.#member.renew()
  }

  giveUp(shards: readonly number[]): Promise<void> {
    return this.#member.giveUp(shards)
  }

  async read(options: { limit: number; waitMs: number; signal?: AbortSignal }): Promise<ShardDelivery[]> {
    return this.#notes.open(await this.#member.read(options))
  }

  async held(holds: readonly ShardHold[]): Promise<ShardDelivery[]> {
    return this.#notes.open(await this.#member.held(holds))
  }

  acknowledge(holds: readonly ShardHold[]): Promise<MessageId[]> {
    return this.#member.acknowledge(holds)
  }

  async settle(settlements: readonly (Settlement & ShardTenure)[]): Promise<SettlementResult[]> {
    return this.#notes.told(await this.#member.settle(await this.#notes.seal(settlements)))
  }

  leave(): Promise<void> {
    return this.#member.leave()
  }
}

/** What the settlements and deliveries of a group say beside the events. */
class SealedNotes {
  readonly #group: string
  readonly #vault: TextVault

  constructor(group: string, vault: TextVault) {
    this.#group = group
    this.#vault = vault
  }

  open<Noted extends { readonly messageId: MessageId; readonly note?: string }>(noted: readonly Noted[]): Noted[] {
    return noted.map((one) =>
      one.note === undefined ? one : { ...one, note: openNote(one.note, [this.#group, one.messageId], this.#vault) }
    )
  }

  /** What becomes of texts as they are kept, when those that they are opened are changed so. */
  changed(kept: PendingTexts, change: (texts: PendingTexts) => PendingTexts): PendingTexts {
    const [before = kept] = this.open([kept])
    const after = change(before)
    const seal = (text: string) => sealNote(text, [this.#group, kept.messageId], this.#vault)
    const note = sealedAnew(kept.note, before.note, after.note, seal)
    return { ...after, ...(note !== undefined && { note }) }
  }

  /** Rejects with what the log says, when the keys of subjects cannot be brought. */
  async seal<S extends Settlement>(settlements: readonly S[]): Promise<S[]> {
    const letters = settlements.flatMap(({ outcome }) => (outcome.kind === 'dead' ? [outcome.letter] : []))
    await this.#vault.bring(letters.map(subjectIdOf).filter((id) => id !== undefined))
    return settlements.map((settlement) => ({ ...settlement, outcome: this.#sealed(settlement) }))
  }

  #sealed({ messageId, outcome }: Settlement): Settlement['outcome'] {
    const place = [this.#group, messageId] as const
    if (outcome.kind === 'retry') return { kind: 'retry', note: sealNote(outcome.note, place, this.#vault) }
    if (outcome.kind === 'dead') return { kind: 'dead', letter: sealLetter(outcome.letter, place, this.#vault) }
    return outcome
  }

  told(results: readonly SettlementResult[]): SettlementResult[] {
    return results.map((result) =>
      result.kind === 'lost' || result.letter === undefined
        ? result
        : { ...result, letter: openLetter(result.letter, this.#vault) }
    )
  }
}
