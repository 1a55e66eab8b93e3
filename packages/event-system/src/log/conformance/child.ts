import { setImmediate as turn } from 'node:timers/promises'
import { EventSystemError } from '@tradpal/events'
import type { AppendEntry, AppendOptions, Storage, Unit } from '../port.ts'
import { positionsIn } from '../positions.ts'
import { partitionedOf, partitionOfPayload, someEntries } from './entries.ts'
import type { ChildEntrance, OpenInChild } from './harness.ts'

/**
 * The other process of a case: it opens the harness's log as its first message says, then does one task for each further
 * message and answers it. It ends when its parent goes away.
 */
export interface ChildTasks {
  append: { readonly entries: readonly AppendEntry[] }
  /** Appends what expects versions; answers the results, or the code of the error. */
  appendExpecting: { readonly entries: readonly AppendEntry[]; readonly expected: AppendOptions['expected'] & {} }
  /** Appends batches of `size`, each in one call, until it is killed; reports each that resolved. A payload is `<batch> <place in it>`. */
  appendBatches: { readonly size: number; readonly streamKey?: string }
  /**
   * Follows the entries whose payload begins with `source` from the cursor of this name until it is killed: a unit for each, two in a
   * call, appends one that names it, counts it in the document `count` of the collection of this name, and moves the cursor. Reports each
   * call that resolved.
   */
  followInUnits: { readonly name: string }
  /** Waits for one entry behind the end and reports it. */
  awaitNext: Record<never, never>
  commit: { readonly units: readonly Unit[] }
  /** Reads from a group and acknowledges what it gets, each in a unit with an entry that names it and a document of the collection `steps`, until it is killed; reports each call that resolved. */
  acknowledgeInUnits: { readonly group: string; readonly consumer: string }
  /** Joins a partitioned group and finishes what it gets, until it is killed; reports `{ partition, epoch, messageId, payload }` of each delivery, before it finishes it. */
  consumePartitions: {
    readonly group: string
    readonly member: string
    readonly partitions: number
    readonly leaseMs: number
  }
  /** Reads from a group. */
  readGroup: { readonly group: string; readonly consumer: string; readonly limit: number; readonly waitMs: number }
}

export type ChildRequest = {
  [Name in keyof ChildTasks]: { readonly task: Name; readonly with: ChildTasks[Name] }
}[keyof ChildTasks]

export type ChildReport =
  | { readonly about: 'open' }
  | { readonly about: 'progress'; readonly value: unknown }
  | { readonly about: 'result'; readonly value: unknown }
  | { readonly about: 'failure'; readonly message: string }

const report = (message: ChildReport) => process.send?.(message)

async function perform(storage: Storage, request: ChildRequest): Promise<unknown> {
  switch (request.task) {
    case 'append':
      return storage.log.append(request.with.entries)
    case 'appendExpecting': {
      const { entries, expected } = request.with
      return storage.log.append(entries, { expected }).catch(codeOf)
    }
    case 'appendBatches':
      return appendBatches(storage, request.with)
    case 'followInUnits':
      return followInUnits(storage, request.with.name)
    case 'awaitNext':
      return awaitNext(storage)
    case 'commit':
      return storage.commit(request.with.units)
    case 'acknowledgeInUnits':
      return acknowledgeInUnits(storage, request.with.group, request.with.consumer)
    case 'consumePartitions':
      return consumePartitions(storage, request.with)
    case 'readGroup': {
      const { group, consumer, limit, waitMs } = request.with
      return storage.queue(group).read(consumer, { limit, waitMs })
    }
  }
}

function codeOf(error: unknown): string {
  return error instanceof EventSystemError ? error.code : String(error)
}

async function appendBatches(storage: Storage, { size, ...key }: ChildTasks['appendBatches']): Promise<never> {
  for (let batch = 0; ; batch += 1) {
    const entries = someEntries(size).map((entry, place) => ({ ...entry, payload: `${batch} ${place}`, ...key }))
    await storage.log.append(entries)
    report({ about: 'progress', value: batch })
    // What else a process does has its turn, too.
    await turn()
  }
}

async function followInUnits(storage: Storage, name: string): Promise<never> {
  let count = Number((await storage.collections.get(name, ['count']))[0]?.value ?? 0)
  let after = (await storage.cursors.get(name))?.position ?? ''
  for (;;) {
    const page = await storage.log.read({ from: { after }, limit: 20 })
    const positions = positionsIn(storage.log, page)
    after = page.position
    const sources = page.entries
      .map((entry, i) => ({ ...entry, position: positions[i] as string }))
      .filter(({ payload }) => payload?.startsWith('source'))
    for (let i = 0; i < sources.length; i += 2) {
      const units = sources.slice(i, i + 2).map(({ messageId, payload, position }): Unit => {
        count += 1
        const entry = { eventId: `${name}-${messageId}`, eventType: 'order_executed', payload: `of ${payload}` }
        return {
          cursors: [{ name, to: position }],
          append: { entries: [entry] },
          write: [{ collection: name, id: 'count', value: `${count}` }]
        }
      })
      await storage.commit(units)
      report({ about: 'progress', value: count })
      await turn()
    }
  }
}

async function acknowledgeInUnits(storage: Storage, group: string, consumer: string): Promise<never> {
  for (;;) {
    const deliveries = await storage.queue(group).read(consumer, { limit: 50, waitMs: 1_000 })
    for (let i = 0; i < deliveries.length; i += 5) {
      const units = deliveries.slice(i, i + 5).map(
        ({ messageId, attempt }): Unit => ({
          acknowledge: [{ group, consumer, messageId, attempt }],
          append: { entries: [effectOf(messageId)] },
          write: [{ collection: 'steps', id: messageId, value: 'done' }]
        })
      )
      await storage.commit(units)
      report({ about: 'progress', value: i })
    }
  }
}

function effectOf(messageId: string): AppendEntry {
  return { eventId: `effect-${messageId}`, eventType: 'order_executed', payload: `effect of ${messageId}` }
}

async function consumePartitions(
  storage: Storage,
  { group, member, partitions, leaseMs }: ChildTasks['consumePartitions']
): Promise<never> {
  const one = partitionedOf(storage, group).join(member, {
    leaseMs,
    cut: { partitions, partitionOf: partitionOfPayload(partitions) }
  })
  await one.renew()
  setInterval(async () => {
    const { surplus } = await one.renew()
    if (surplus.length > 0) await one.giveUp(surplus)
  }, leaseMs / 4)
  for (;;) {
    const deliveries = await one.read({ limit: 5, waitMs: 1_000 })
    for (const { partition, epoch, messageId, payload } of deliveries) {
      report({ about: 'progress', value: { partition, epoch, messageId, payload } })
    }
    await one.commit(deliveries.map((delivery) => ({ done: [delivery] })))
  }
}

async function awaitNext(storage: Storage): Promise<unknown> {
  const { position } = await storage.log.read({ from: 'end', limit: 1 })
  const pages = storage.log.tail({ after: position })[Symbol.asyncIterator]()
  const next = pages.next()
  report({ about: 'progress', value: 'waiting' })
  const page = await next
  const seenAt = performance.timeOrigin + performance.now()
  await pages.return?.()
  return { page: page.value, seenAt }
}

async function serve(): Promise<void> {
  const entrance = JSON.parse(process.argv[2] ?? '') as ChildEntrance
  const { default: open } = (await import(entrance.module)) as { default: OpenInChild }
  const storage = await open(entrance.options)
  process.on('message', async (request: ChildRequest) => {
    try {
      report({ about: 'result', value: await perform(storage, request) })
    } catch (error) {
      report({ about: 'failure', message: String(error) })
    }
  })
  report({ about: 'open' })
}

process.on('disconnect', () => process.exit())
serve().catch((error) => {
  report({ about: 'failure', message: String(error) })
})
