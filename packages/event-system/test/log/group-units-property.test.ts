import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AppendEntry, AppendResult, MessageId, Refused, Storage, Unit, WorkQueue } from '../../src/log/index.ts'
import { ALL_LOGS, describeOn } from '../support/each-log.ts'

const CONSUMERS = ['one', 'two'] as const
const TEXTS = ['', 'text', 'größe'] as const
const TYPES = ['risk_alert', 'system_health', 'trading_signal'] as const

const consumer = fc.constantFrom(...CONSUMERS)
const text = fc.constantFrom(...TEXTS)
const limit = fc.integer({ min: 1, max: 9 })

/** Of a delivery or of an entry that was handed out, by its number among them. */
const action = fc.oneof(
  fc.record({ acknowledge: fc.nat() }),
  fc.record({ attach: fc.nat(), text }),
  fc.record({ replace: fc.nat(), from: text, text }),
  fc.record({ requeue: fc.nat(), attachment: fc.option(text, { nil: undefined }) })
)
type Action = typeof action extends fc.Arbitrary<infer One> ? One : never

const step = fc.oneof(
  { weight: 2, arbitrary: fc.record({ append: limit }) },
  { weight: 2, arbitrary: fc.record({ read: consumer, limit }) },
  { weight: 3, arbitrary: fc.record({ claim: consumer, limit }) },
  {
    weight: 5,
    arbitrary: fc.record({
      units: fc.array(fc.array(action, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 })
    })
  },
  { weight: 1, arbitrary: fc.record({ remove: fc.nat() }) }
)
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never

interface Held {
  readonly consumer: string
  readonly attempt: number
  readonly attachment: string | undefined
}

interface Delivered {
  readonly messageId: MessageId
  readonly consumer: string
  readonly attempt: number
}

/** What a group is to keep, said in the simplest way. */
class Model {
  /** Of the log, oldest first; one that was removed is no longer there. */
  entries: MessageId[] = []
  handedOut: MessageId[] = []
  pending = new Map<MessageId, Held>()
  readonly types = new Map<MessageId, string>()
  /** Where a log has no order over types, a read chooses how many of each it hands out. */
  readonly #hasTotalOrder: boolean

  constructor(hasTotalOrder: boolean) {
    this.#hasTotalOrder = hasTotalOrder
  }

  read(consumer: string, limit: number, chosen: readonly MessageId[]): [MessageId, number, string | undefined][] {
    const open = this.entries.filter((id) => !this.handedOut.includes(id))
    const next = this.#hasTotalOrder ? open.slice(0, limit) : this.#oldestOfEachType(open, chosen)
    expect(next).toHaveLength(Math.min(limit, open.length))
    this.handedOut.push(...next)
    return next.map((id) => this.#give(id, consumer))
  }

  claim(consumer: string, limit: number): [MessageId, number, string | undefined][] {
    const next = this.entries.filter((id) => this.pending.has(id)).slice(0, limit)
    return next.map((id) => this.#give(id, consumer))
  }

  /** Of each type as many as were chosen of it. */
  #oldestOfEachType(open: readonly MessageId[], chosen: readonly MessageId[]): MessageId[] {
    const left = Map.groupBy(chosen, (id) => this.types.get(id))
    return open.filter((id) => left.get(this.types.get(id))?.pop() !== undefined)
  }

  #give(id: MessageId, consumer: string): [MessageId, number, string | undefined] {
    const { attempt = 0, attachment } = this.pending.get(id) ?? {}
    this.pending.set(id, { consumer, attempt: attempt + 1, attachment })
    return [id, attempt + 1, attachment]
  }

  remove(id: MessageId): number {
    const stays = !this.entries.includes(id) || this.pending.has(id)
    this.entries = this.entries.filter((one) => stays || one !== id)
    return stays ? 0 : 1
  }

  /** Whether it was committed, or how it was refused. */
  commit({ acknowledge = [], attach = [], requeue = [] }: Unit): Refused | 'committed' {
    const pending = new Map(this.pending)
    const refused = (part: Refused['part'], index: number, reason: Refused['reason']): Refused => {
      this.pending = pending
      return { kind: 'refused', part, index, reason }
    }
    for (const [index, { messageId, consumer, attempt }] of acknowledge.entries()) {
      if (!this.#isHeld(messageId, consumer, attempt)) return refused('acknowledge', index, 'hold_lost')
      this.pending.delete(messageId)
    }
    for (const [index, { messageId, text, if: condition }] of attach.entries()) {
      const held = this.pending.get(messageId)
      if ('from' in condition) {
        if (held?.attachment !== condition.from) return refused('attach', index, 'conflict')
      } else if (!this.#isHeld(messageId, condition.consumer, condition.attempt)) {
        return refused('attach', index, 'hold_lost')
      }
      this.pending.set(messageId, { ...(held as Held), attachment: text })
    }
    for (const [index, { messageId, attachment }] of requeue.entries()) {
      if (!this.entries.includes(messageId)) return refused('requeue', index, 'entry_trimmed')
      this.pending.set(messageId, { consumer: '', attempt: 0, attachment })
    }
    return 'committed'
  }

  #isHeld(messageId: MessageId, consumer: string, attempt: number): boolean {
    const held = this.pending.get(messageId)
    return held?.consumer === consumer && held.attempt === attempt
  }
}

describeOn(ALL_LOGS, 'units that concern groups', (logs) => {
  test('holds, attachments and requeues, stale and fresh: the group is what a simple model of it is', async () => {
    const handles = [await logs.open(), await logs.open()] as const
    let count = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30, size: 'max' }), async (steps) => {
        const run = await Run.begin(handles, `run ${++count}`)
        for (const one of steps) await run.take(one)
        await run.end()
      }),
      { numRuns: 60 }
    )
  })
})

class Run {
  readonly #handles: readonly Storage[]
  readonly #name: string
  readonly #model: Model
  /** Every delivery that there ever was. */
  readonly #delivered: Delivered[] = []
  #appended = 0

  private constructor(handles: readonly Storage[], name: string) {
    this.#handles = handles
    this.#name = name
    this.#model = new Model(this.#storage.features.totalOrder)
  }

  static async begin(handles: readonly Storage[], name: string): Promise<Run> {
    const storage = handles[0] as Storage
    for (const left of await storage.groupNames()) await storage.queue(left).destroy()
    await storage.log.trim({ maxLength: 0 })
    await storage.queue(name).create('end')
    return new Run(handles, name)
  }

  /** Another handle with each step that appends. */
  get #storage(): Storage {
    return this.#handles[this.#appended % this.#handles.length] as Storage
  }

  get #group(): WorkQueue {
    return this.#storage.queue(this.#name)
  }

  async take(one: Step): Promise<void> {
    if ('append' in one) await this.#append(one.append)
    else if ('units' in one) await this.#commit(one.units)
    else if ('remove' in one) {
      const messageId = pick(this.#model.handedOut, one.remove)
      if (messageId === undefined) return
      const { removed } = await this.#storage.log.remove([messageId])
      expect(removed).toBe(this.#model.remove(messageId))
    } else {
      const name = 'read' in one ? one.read : one.claim
      const deliveries =
        'read' in one
          ? await this.#group.read(name, { limit: one.limit, waitMs: 0 })
          : await this.#group.claim(name, { minIdleMs: 0, limit: one.limit })
      const wanted =
        'read' in one ? this.#model.read(name, one.limit, idsOf(deliveries)) : this.#model.claim(name, one.limit)
      expect(deliveries.map(({ messageId, attempt, attachment }) => [messageId, attempt, attachment])).toEqual(wanted)
      this.#delivered.push(...deliveries.map(({ messageId, attempt }) => ({ messageId, attempt, consumer: name })))
    }
  }

  async #append(count: number): Promise<void> {
    const entries = Array.from({ length: count }, () => this.#newEntry())
    this.#learn(entries, await this.#storage.log.append(entries))
  }

  /** Each unit appends two entries too, of different types: they are there when the unit was committed, and then alone. */
  async #commit(plans: readonly (readonly Action[])[]): Promise<void> {
    const units = plans.map((actions) => ({
      ...this.#toUnit(actions),
      append: { entries: [this.#newEntry(), this.#newEntry()] }
    }))
    const wanted = units.map((unit) => this.#model.commit(unit))
    const results = await this.#storage.commit(units)
    expect(results.map((result) => (result.kind === 'committed' ? 'committed' : result))).toEqual(wanted)
    for (const [i, result] of results.entries()) {
      if (result.kind === 'committed') this.#learn(units[i]?.append.entries ?? [], result.appended)
    }
  }

  #learn(entries: readonly AppendEntry[], results: readonly AppendResult[]): void {
    for (const [i, { messageId }] of results.entries()) {
      this.#model.entries.push(messageId)
      this.#model.types.set(messageId, entries[i]?.eventType ?? '')
    }
  }

  #toUnit(actions: readonly Action[]): Unit {
    const unit = { acknowledge: [], attach: [], requeue: [] } as {
      [Part in 'acknowledge' | 'attach' | 'requeue']: NonNullable<Unit[Part]>[number][]
    }
    const named = new Set<MessageId>()
    const group = this.#name
    for (const one of actions) {
      const number =
        'acknowledge' in one
          ? one.acknowledge
          : 'attach' in one
            ? one.attach
            : 'replace' in one
              ? one.replace
              : one.requeue
      const delivered = pick(this.#delivered, number)
      if (delivered === undefined || named.has(delivered.messageId)) continue
      const { messageId, consumer, attempt } = delivered
      named.add(messageId)
      if ('acknowledge' in one) unit.acknowledge.push({ group, consumer, messageId, attempt })
      else if ('attach' in one) unit.attach.push({ group, messageId, text: one.text, if: { consumer, attempt } })
      else if ('replace' in one) unit.attach.push({ group, messageId, text: one.text, if: { from: one.from } })
      else {
        const { attachment } = one
        unit.requeue.push({ group, messageId, ...(attachment !== undefined && { attachment }) })
      }
    }
    return unit
  }

  async end(): Promise<void> {
    const { entries, pending } = this.#model
    const stored = (await this.#storage.log.read({ limit: 1_000 })).entries
    expect(stored.map(({ messageId }) => messageId)).toEqual(entries)
    const kept = await this.#group.pending({ limit: 1_000 })
    expect(
      kept.map(({ messageId, consumer, deliveries, attachment }) => [messageId, consumer, deliveries, attachment])
    ).toEqual(
      entries.flatMap((id) => {
        const held = pending.get(id)
        return held === undefined ? [] : [[id, held.consumer, held.attempt, held.attachment]]
      })
    )
  }

  #newEntry(): AppendEntry {
    this.#appended += 1
    const eventType = TYPES[this.#appended % TYPES.length] as string
    return { eventId: `${this.#name} ${this.#appended}`, eventType, payload: `${this.#appended}` }
  }
}

function idsOf(entries: readonly { readonly messageId: MessageId }[]): MessageId[] {
  return entries.map(({ messageId }) => messageId)
}

function pick<One>(all: readonly One[], number: number): One | undefined {
  return all[number % Math.max(1, all.length)]
}
