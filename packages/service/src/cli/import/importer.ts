import { EventSystemError } from '@tradpal/events'
import { inParts } from './parts.ts'
import { BATCH, conflictOf, type Fault, type ImportInput, type Plan } from './plan.ts'
import { eventOf, onLine, type RowEvent } from './row-events.ts'

export interface Published {
  /** `interrupted`: the same command publishes the rest. */
  readonly status: 'done' | 'interrupted'
  /** Events that the log took. */
  readonly imported: number
  /** Events that came into the log by another way between the look into it and the publish. */
  readonly alreadyThere: number
}

/**
 * Publishes the rows of a plan that the log does not have, in batches and in their order, and passes over the wrong ones. When it
 * is cut short, also by a change of the file, the log has the rows up to some batch; a new plan finds them by their ids. A
 * batch that was still on its way to the log then is known there by the deduplication window. Rejects with what ends it.
 */
export async function publishPlan(
  input: ImportInput,
  plan: Plan,
  { onProgress, onFault }: { readonly onProgress: (events: number) => void; readonly onFault: (fault: Fault) => void }
): Promise<Published> {
  let imported = 0
  let alreadyThere = 0
  let batch: RowEvent[] = []
  const publish = async (part: readonly RowEvent[]) => {
    try {
      const receipts = await input.client.publishAll(part.map(({ event }) => event))
      const repeats = receipts.filter(({ duplicate }) => duplicate).length
      imported += receipts.length - repeats
      alreadyThere += repeats
    } catch (error) {
      if (!(error instanceof EventSystemError) || error.code !== 'event_id_conflict') throw error
      const conflicts = error.conflicts ?? [0]
      for (const index of conflicts)
        refuse(part[index] as RowEvent, conflictOf((part[index] as RowEvent).event, 'in the log'))
      imported += part.length - conflicts.length
    }
  }
  const refuse = ({ line }: RowEvent, error: EventSystemError) => {
    const fault = { line, error: onLine(line, error, input.columnOf) }
    if (!input.skipInvalid) throw fault.error
    onFault(fault)
  }
  const without = (part: readonly RowEvent[], index: number, error: EventSystemError) => {
    refuse(part[index] as RowEvent, error)
    return part.toSpliced(index, 1)
  }
  for await (const row of input.rows()) {
    if (input.signal.aborted) return { status: 'interrupted', imported, alreadyThere }
    if (plan.wrongLines.has(row.line)) continue
    const read = missing(eventOf(row, input.origin), plan)
    if (read !== undefined) batch.push(read)
    if (batch.length < BATCH) continue
    await input.assertUnchanged()
    await inParts(batch, publish, without)
    batch = []
    onProgress(imported)
  }
  if (input.signal.aborted) return { status: 'interrupted', imported, alreadyThere }
  await input.assertUnchanged()
  await inParts(batch, publish, without)
  onProgress(imported)
  return { status: 'done', imported, alreadyThere }
}

/** The event of a row with its id, unless the log has it or an earlier row said it. */
function missing(read: RowEvent, { ids }: Plan): RowEvent | undefined {
  if (read.content === undefined) return ids.take(read.event.eventId) ? read : undefined
  const eventId = ids.remake(read.content)
  return eventId === undefined ? undefined : { ...read, event: { ...read.event, eventId } }
}
