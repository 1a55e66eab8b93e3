import { EventSystemError } from '@tradpal/events'
import type { PartitionUnit, Refused, Storage, Unit, UnitResult } from '../port.ts'
import { type Bundle, bundleOf, type Piece, partsOf, resultsOf } from './bundle.ts'
import type { Holdings } from './holdings.ts'
import { documentId, partitionName, RECORDS, REQUEUED } from './names.ts'
import type { HandOut, Partition, Step } from './partition.ts'
import { Turns } from './turns.ts'

/** Units in one call to the log. */
const PAGE = 100

const FENCED: Refused = { kind: 'refused', part: 'fence', index: 0, reason: 'fenced' }

export interface CommitterParts {
  readonly storage: Pick<Storage, 'commit' | 'cursors' | 'collections'>
  readonly group: string
  readonly holdings: Holdings
}

/** A step of a partition, and what is written with it. */
export interface PartitionStep {
  readonly partition: Partition
  readonly step: Step
  readonly with?: Pick<Unit, 'append' | 'write'>
}

/**
 * Writes what a member finishes. Each unit has the fence of its partition, so a partition that another member took is lost here. One call
 * is on its way at a time, since each step builds on the one before. Where the outcome of a call is unknown, the log is asked before the next.
 */
export class Committer {
  readonly #parts: CommitterParts
  readonly #turns = new Turns()
  /** Steps that may have taken effect. */
  readonly #doubts = new Map<Partition, Step>()

  constructor(parts: CommitterParts) {
    this.#parts = parts
  }

  /** Commits the units of a caller. */
  async commit(units: readonly PartitionUnit[]): Promise<UnitResult[]> {
    for (const unit of units) assertOnePartition(unit)
    return this.#turns.take(async () => {
      await this.#resolveDoubts()
      const results: UnitResult[] = units.map(() => FENCED)
      const queues = this.#queuesOf(units)
      const alone = new Set<number>()
      while (queues.size > 0) await this.#round(queues, alone, results)
      return results
    })
  }

  /** Units by partition. Those of partitions that the member does not own are left out: they stay refused. */
  #queuesOf(units: readonly PartitionUnit[]): Map<number, Piece[]> {
    const queues = new Map<number, Piece[]>()
    for (const [place, unit] of units.entries()) {
      const partition = unit.done[0]?.partition ?? this.#partitionOfNotes(unit)
      if (partition === undefined) continue
      const queue = queues.get(partition)
      if (queue === undefined) queues.set(partition, [{ place, unit }])
      else queue.push({ place, unit })
    }
    return queues
  }

  #partitionOfNotes({ notes = {} }: PartitionUnit): number | undefined {
    const [messageId] = Object.keys(notes)
    if (messageId === undefined) return undefined
    for (const owned of this.#parts.holdings) {
      if (owned.inFlight(messageId, owned.epoch) !== undefined) return owned.partition
    }
    return undefined
  }

  /** One bundle of each partition. A bundle that is refused for what one of its units expects is tried again unit by unit. */
  async #round(queues: Map<number, Piece[]>, alone: Set<number>, results: UnitResult[]): Promise<void> {
    const bundles: Bundle[] = []
    for (const [partition, queue] of queues) {
      const owned = this.#parts.holdings.get(partition)
      if (owned === undefined) queues.delete(partition)
      else bundles.push(bundleOf(owned, queue, alone.has(partition) ? 1 : undefined))
    }
    const steps = bundles.map((bundle) => ({
      partition: bundle.partition,
      step: bundle.partition.finish(bundle.done, bundle.noted),
      with: partsOf(bundle.pieces)
    }))
    const answers = await this.#send(steps)
    for (const [i, bundle] of bundles.entries()) {
      const { partition } = bundle.partition
      const answer = answers[i] as UnitResult
      const isToBeSplit = answer.kind === 'refused' && isTheCallers(answer) && bundle.pieces.length > 1
      if (isToBeSplit) alone.add(partition)
      const over = new Set([...bundle.lost, ...(isToBeSplit ? [] : bundle.pieces)])
      const rest = (queues.get(partition) ?? []).filter((piece) => !over.has(piece))
      if (rest.length === 0) queues.delete(partition)
      else queues.set(partition, rest)
      if (isToBeSplit) continue
      const told =
        answer.kind === 'committed'
          ? resultsOf(bundle.pieces, answer)
          : bundle.pieces.map(() => (isTheCallers(answer) ? answer : FENCED))
      for (const [j, { place }] of bundle.pieces.entries()) results[place] = told[j] as UnitResult
    }
  }

  /** Writes down that the member owns these. Those that it lost meanwhile are left out. */
  open(partitions: readonly Partition[]): Promise<void> {
    return this.#turns.take(async () => {
      const steps = partitions.map((partition) => ({ partition, step: partition.finish([]) }))
      const answers = await this.#send(steps)
      for (const [i, partition] of partitions.entries()) {
        if (answers[i]?.kind === 'committed') this.#parts.holdings.add(partition)
      }
    })
  }

  /** Commits steps of the member itself; those of partitions that it lost do not happen. Resolves to those that did. */
  take(stepsOf: () => readonly PartitionStep[]): Promise<PartitionStep[]> {
    return this.#turns.take(async () => {
      await this.#resolveDoubts()
      const steps = stepsOf().filter(({ partition }) => this.#parts.holdings.has(partition))
      const answers = await this.#send(steps)
      return steps.filter((_, i) => answers[i]?.kind === 'committed')
    })
  }

  /** As {@link take}, with a unit of the member that goes in the same call where it can. Resolves to the result of that. */
  takeWith(stepsOf: () => readonly PartitionStep[], unitOf: () => Unit | undefined): Promise<UnitResult | undefined> {
    return this.#turns.take(async () => {
      await this.#resolveDoubts()
      const steps = stepsOf()
      const rest = steps.slice(0, Math.max(0, steps.length - (PAGE - 1)))
      await this.#send(rest)
      const unit = unitOf()
      return (await this.#sendPage(steps.slice(rest.length), unit)).at(steps.length - rest.length)
    })
  }

  /** Commits the steps of entries that are handed out, and hands them out. */
  async handOut(handOutsOf: () => readonly { readonly partition: Partition; readonly handOut: HandOut }[]) {
    return this.#turns.take(async () => {
      await this.#resolveDoubts()
      const handOuts = handOutsOf()
      const answers = await this.#send(handOuts.map(({ partition, handOut }) => ({ partition, step: handOut.step })))
      const handed = handOuts.filter((_, i) => answers[i]?.kind === 'committed')
      for (const { partition, handOut } of handed) partition.applyHandOut(handOut)
      return handed
    })
  }

  async #send(steps: readonly PartitionStep[]): Promise<UnitResult[]> {
    const answers: UnitResult[] = []
    for (let from = 0; from < steps.length; from += PAGE)
      answers.push(...(await this.#sendPage(steps.slice(from, from + PAGE))))
    return answers
  }

  /** The result of the unit that goes with the steps comes last. */
  async #sendPage(steps: readonly PartitionStep[], unit?: Unit): Promise<UnitResult[]> {
    const { storage, holdings } = this.#parts
    const writing = steps.filter(writesSomething)
    const units = [...writing.map((one) => this.#unitOf(one)), ...(unit === undefined ? [] : [unit])]
    let answers: UnitResult[] = []
    try {
      if (units.length > 0) answers = await storage.commit(units)
    } catch (error) {
      if (!wroteNothing(error)) for (const { partition, step } of writing) this.#doubts.set(partition, step)
      throw error
    }
    const byStep = new Map(writing.map((one, i) => [one, answers[i] as UnitResult]))
    const ofSteps = steps.map((one) => {
      const answer = byStep.get(one) ?? { kind: 'committed', appended: [], revisions: [] }
      if (answer.kind === 'committed') one.partition.apply(one.step)
      else if (!isTheCallers(answer)) holdings.remove(one.partition)
      return answer
    })
    return [...ofSteps, ...answers.slice(writing.length)]
  }

  #unitOf({ partition, step, with: given = {} }: PartitionStep): Unit {
    const { group } = this.#parts
    const name = partitionName(group, partition.partition)
    const { cursor, record, done, noted } = step
    const finished = new Set(done)
    const ofRequeued = [
      ...done.map((one) => ({ one, value: null })),
      ...[...noted].filter(([one]) => !finished.has(one)).map(([one, value]) => ({ one, value }))
    ].filter(({ one }) => one.order === undefined)
    return {
      ...given,
      fence: [{ lease: name, token: partition.epoch }],
      ...(cursor !== undefined && { cursors: [{ name, to: cursor }] }),
      write: [
        ...(given.write ?? []),
        ...ofRequeued.map(({ one, value }) => ({ collection: REQUEUED, id: documentId(group, one.messageId), value })),
        ...(record === undefined
          ? []
          : [{ collection: RECORDS, id: documentId(group, partition.partition), value: record }])
      ]
    }
  }

  async #resolveDoubts(): Promise<void> {
    for (const [partition, step] of this.#doubts) {
      if (this.#parts.holdings.has(partition) && (await this.#tookEffect(partition, step))) partition.apply(step)
      this.#doubts.delete(partition)
    }
  }

  /** A step changes the cursor, the record or the entries that were requeued: what it wrote shows whether it happened. */
  async #tookEffect({ partition }: Partition, { cursor, record, done }: Step): Promise<boolean> {
    const { storage, group } = this.#parts
    if (cursor !== undefined) return (await storage.cursors.get(partitionName(group, partition)))?.position === cursor
    if (record !== undefined) {
      const [document] = await storage.collections.get(RECORDS, [documentId(group, partition)])
      return (document?.value ?? null) === record
    }
    const requeued = done.find(({ order }) => order === undefined)
    if (requeued === undefined) return false
    const [document] = await storage.collections.get(REQUEUED, [documentId(group, requeued.messageId)])
    return document === undefined
  }
}

/** Throws `invalid_argument` for a unit that finishes and notes nothing, and for one of several partitions. */
function assertOnePartition({ done, notes = {} }: PartitionUnit): void {
  const partitions = new Set(done.map(({ partition }) => partition))
  if (partitions.size === 1 || (partitions.size === 0 && Object.keys(notes).length > 0)) return
  const got = partitions.size === 0 ? 'no delivery' : `deliveries of the partitions ${[...partitions].join(', ')}`
  throw new EventSystemError('invalid_argument', `A unit finishes or notes deliveries of one partition, got ${got}.`)
}

function writesSomething({ step, with: given }: PartitionStep): boolean {
  const { cursor, record, done, noted } = step
  if (cursor !== undefined || record !== undefined) return true
  if ((given?.append?.entries.length ?? 0) + (given?.write?.length ?? 0) > 0) return true
  return done.some(({ order }) => order === undefined) || noted.size > 0
}

/** Whether it was refused for what the caller's part of the unit expects. */
function isTheCallers({ part }: Refused): boolean {
  return part === 'append' || part === 'write'
}

function wroteNothing(error: unknown): boolean {
  return (
    error instanceof EventSystemError &&
    ['log_unavailable', 'log_busy', 'invalid_argument', 'closed'].includes(error.code)
  )
}
