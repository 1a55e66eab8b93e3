import type { AppendEntry, Hold, RepeatedEffect, Settlement, SettlementResult } from '../port.ts'
import type { Appender } from './appender.ts'
import type { Connection } from './connection.ts'
import type { SqliteDeadLetters } from './dead-letters.ts'
import type { SqliteLedger } from './ledger.ts'
import { formatMessageId, parseMessageId } from './message-id.ts'
import type { Placed } from './stream-versions.ts'

const NOTE = 'UPDATE pending SET note = ?3 WHERE grp = ?1 AND id = ?2'
const REMOVE = 'DELETE FROM pending WHERE grp = ? AND id = ?'

export interface SettlementParts {
  readonly connection: Connection
  readonly appender: Appender
  readonly deadLetters: SqliteDeadLetters
  readonly ledger: SqliteLedger
  readonly group: string
}

/** Settles deliveries in one step of the connection. Whether a hold still holds is asked inside it. */
export async function settleAll<S extends Settlement>(
  parts: SettlementParts,
  settlements: readonly S[],
  isHeld: (hold: S & Hold) => boolean
): Promise<SettlementResult[]> {
  const { connection, appender } = parts
  if (settlements.length === 0) return []
  if (settlements.some(({ effects }) => effects !== undefined)) await appender.approach()
  return await connection.write(() => {
    const append: AppendEntry[] = []
    const ends: number[] = []
    const results = settlements.map((settlement) => {
      const result = isHeld(settlement) ? settleOne(parts, settlement, append) : ({ kind: 'lost' } as const)
      ends.push(append.length)
      return result
    })
    if (append.length === 0) return results
    const placed = appender.begin().place(append)
    if (!placed.some(({ duplicate }) => duplicate)) return results
    return results.map((result, i) => withRepeated(result, append, placed, [ends[i - 1] ?? 0, ends[i] as number]))
  })
}

/** The result of a settlement, with its repeated entries. They lie from one index to another among all that were appended. */
function withRepeated(
  result: SettlementResult,
  append: readonly AppendEntry[],
  placed: readonly Placed[],
  [from, to]: readonly [number, number]
): SettlementResult {
  const repeated: RepeatedEffect[] = []
  for (let i = from; i < to; i++) {
    const { id, duplicate } = placed[i] as Placed
    if (duplicate) repeated.push({ entry: append[i] as AppendEntry, messageId: formatMessageId(id) })
  }
  return result.kind === 'lost' || repeated.length === 0 ? result : { ...result, repeated }
}

/** What is to be appended is gathered, for all of the step at once. */
function settleOne(parts: SettlementParts, settlement: Settlement, append: AppendEntry[]): SettlementResult {
  const { connection, ledger, deadLetters, group } = parts
  const { messageId, outcome, effects = [], remember = [] } = settlement
  for (const { eventId, step, append: entries } of effects) {
    if (ledger.find(eventId, step) !== undefined) continue
    ledger.put([{ eventId, step, value: '' }])
    append.push(...entries)
  }
  ledger.put(remember)
  const id = parseMessageId(messageId)
  if (outcome.kind === 'retry') {
    connection.statement(NOTE).run(group, id, outcome.note)
    return { kind: 'settled' }
  }
  connection.statement(REMOVE).run(group, id)
  if (outcome.kind === 'done') return { kind: 'settled' }
  return { kind: 'settled', letter: deadLetters.write(group, messageId, outcome.letter) }
}
