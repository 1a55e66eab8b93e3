import type { EventClient } from '@tradpal/event-client'
import { type Event, EventSystemError } from '@tradpal/events'
import { inParts } from './parts.ts'
import { eventOf, onLine, type RowEvent } from './row-events.ts'
import type { RowIds } from './row-ids.ts'
import type { Row } from './rows.ts'

/** This many rows are checked, and later published, as one unit. */
export const BATCH = 500
/** This many wrong rows are described one by one. Without `--skip-invalid` the check ends with them. */
export const DESCRIBED = 20
const FIRST_EVENTS = 3

/** What is to be read, and into what. */
export interface ImportInput {
  readonly client: EventClient
  /** The preset, or the format: a part of the ids that are made. */
  readonly origin: string
  readonly rows: () => AsyncIterable<Row>
  /** Rejects when the rows may no longer be those that were checked. */
  readonly assertUnchanged: () => Promise<void>
  /** The column that a field of the data comes from. */
  readonly columnOf: (field: string) => string | undefined
  /** Whether wrong rows are passed over; else they end the import before anything is published. */
  readonly skipInvalid: boolean
  readonly signal: AbortSignal
}

export interface Fault {
  readonly line: number
  readonly error: EventSystemError
}

/** What an import would do. */
export interface Plan {
  readonly ids: RowIds
  /** Rows with a value, the wrong ones included. */
  rows: number
  /** Rows that say the same event, under the same id, as an earlier row. */
  repeated: number
  wrong: number
  /** The first of the wrong rows, in the order of the file. */
  readonly faults: Fault[]
  readonly wrongLines: Set<number>
  readonly types: Set<string>
  readonly firstEvents: Event[]
  /** The earliest and the latest timestamp. */
  firstTime: string | undefined
  lastTime: string | undefined
}

/**
 * Reads every row and has the service check its event, exactly as it will be published, and publishes nothing. Rejects with the
 * signal's reason, and with what the service or the input as a whole fails with.
 */
export async function makePlan(input: ImportInput, ids: RowIds, onProgress: (rows: number) => void): Promise<Plan> {
  const plan: Plan = {
    ids,
    ...{ rows: 0, repeated: 0, wrong: 0, faults: [], wrongLines: new Set(), types: new Set(), firstEvents: [] },
    ...{ firstTime: undefined, lastTime: undefined }
  }
  const isFull = () => !input.skipInvalid && plan.wrong >= DESCRIBED
  let batch: RowEvent[] = []
  for await (const row of input.rows()) {
    input.signal.throwIfAborted()
    plan.rows += 1
    const read = readRow(row, input, plan)
    if (read !== undefined) batch.push(read)
    if (batch.length === BATCH) {
      await checkBatch(batch, input, plan)
      batch = []
      onProgress(plan.rows)
    }
    if (isFull()) break
  }
  if (!isFull()) await checkBatch(batch, input, plan)
  sortFaults(plan)
  return plan
}

/** The event of a row with its id; undefined for a row that is wrong or repeats another. */
function readRow(row: Row, { origin }: ImportInput, plan: Plan): RowEvent | undefined {
  try {
    const read = eventOf(row, origin)
    if (read.content !== undefined) return { ...read, event: { ...read.event, eventId: plan.ids.make(read.content) } }
    const state = plan.ids.bring(read.event)
    if (state === 'new') return read
    if (state === 'conflict') throw onLine(row.line, conflictOf(read.event, 'in an earlier row'))
    plan.repeated += 1
  } catch (error) {
    if (!(error instanceof EventSystemError)) throw error
    addFault(plan, row.line, error)
  }
  return undefined
}

async function checkBatch(batch: readonly RowEvent[], input: ImportInput, plan: Plan): Promise<void> {
  const refused = new Set<number>()
  const check = (part: readonly RowEvent[]) => input.client.checkBatch(part.map(({ event }) => event))
  await inParts(batch, check, (part, index, error) => {
    const { line } = part[index] as RowEvent
    refused.add(line)
    addFault(plan, line, onLine(line, error, input.columnOf))
    // Those before it are right.
    return part.slice(index + 1)
  })
  for (const { line, event } of batch) if (!refused.has(line)) addEvent(plan, event)
}

function addFault(plan: Plan, line: number, error: EventSystemError): void {
  plan.wrong += 1
  plan.wrongLines.add(line)
  if (plan.faults.length < DESCRIBED) plan.faults.push({ line, error })
}

function addEvent(plan: Plan, event: Event): void {
  plan.types.add(event.eventType)
  if (plan.firstEvents.length < FIRST_EVENTS) plan.firstEvents.push(event)
  const { timestamp } = event
  if (plan.firstTime === undefined || timestamp < plan.firstTime) plan.firstTime = timestamp
  if (plan.lastTime === undefined || timestamp > plan.lastTime) plan.lastTime = timestamp
}

/**
 * Reads the events of these types in the log, or all where rows bring ids of their own, and notes the ids that the file has. An
 * id that stands for another event makes its row wrong. An entry's place says when the log took it, and not when
 * the event happened, so all of them are read.
 */
export async function lookIntoLog(input: ImportInput, plan: Plan, onProgress: (events: number) => void): Promise<void> {
  if (plan.ids.size === 0) return
  let count = 0
  const range = plan.ids.bringIds ? {} : { eventType: [...plan.types] }
  for await (const event of input.client.streamReplay({ ...range, raw: true })) {
    input.signal.throwIfAborted()
    plan.ids.note(event)
    count += 1
    if (count % 1_000 === 0) onProgress(count)
  }
  if (plan.ids.conflicts.size > 0) await addConflicts(input, plan)
}

/** Only the file knows the lines of the ids. */
async function addConflicts(input: ImportInput, plan: Plan): Promise<void> {
  for await (const row of input.rows()) {
    input.signal.throwIfAborted()
    if (plan.wrongLines.has(row.line)) continue
    const { event, content } = eventOf(row, input.origin)
    if (content !== undefined || !plan.ids.conflicts.has(event.eventId)) continue
    addFault(plan, row.line, onLine(row.line, conflictOf(event, 'in the log')))
  }
  sortFaults(plan)
}

function sortFaults({ faults }: Plan): void {
  faults.sort((a, b) => a.line - b.line)
}

export function conflictOf({ eventId }: Event, where: string): EventSystemError {
  const sentence = `The event id ${JSON.stringify(eventId)} stands ${where} for another event, of another type or with other data: an event needs an id of its own.`
  return new EventSystemError('event_id_conflict', sentence, { pointer: '/event_id' })
}
