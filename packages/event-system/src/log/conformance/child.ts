import type { AppendEntry, EventLog } from '../port.ts'
import type { ChildEntrance, OpenInChild } from './harness.ts'

/**
 * The other process of a case: it opens the harness's log as its first message says, then does one task for each further
 * message and answers it. It ends when its parent goes away.
 */
export interface ChildTasks {
  append: { readonly entries: readonly AppendEntry[] }
  /** Appends batches of `size`, each in one call, until it is killed; reports each that resolved. A payload is `<batch> <place in it>`. */
  appendBatches: { readonly size: number }
  /** Waits for one entry behind the end and reports it. */
  awaitNext: Record<never, never>
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

async function perform(log: EventLog, request: ChildRequest): Promise<unknown> {
  switch (request.task) {
    case 'append':
      return log.append(request.with.entries)
    case 'appendBatches':
      return appendBatches(log, request.with.size)
    case 'awaitNext':
      return awaitNext(log)
    case 'readGroup': {
      const { group, consumer, limit, waitMs } = request.with
      return log.group(group).read(consumer, { limit, waitMs })
    }
  }
}

async function appendBatches(log: EventLog, size: number): Promise<never> {
  for (let batch = 0; ; batch += 1) {
    const entries = Array.from({ length: size }, (_, place) => ({
      eventId: `${process.pid}-${batch}-${place}`,
      eventType: 'market_data_update',
      payload: `${batch} ${place}`
    }))
    await log.append(entries)
    report({ about: 'progress', value: batch })
  }
}

async function awaitNext(log: EventLog): Promise<unknown> {
  const newest = await log.read({ direction: 'backward', limit: 1 })
  const pages = log.tail(newest[0] === undefined ? 'start' : { after: newest[0].messageId })[Symbol.asyncIterator]()
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
  const log = await open(entrance.options)
  process.on('message', async (request: ChildRequest) => {
    try {
      report({ about: 'result', value: await perform(log, request) })
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
