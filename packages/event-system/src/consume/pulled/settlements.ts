import type { TextVault } from '../../codec/index.ts'
import { Attachments } from '../../codec/index.ts'
import type { DeadLetters } from '../../dead-letters/index.ts'
import type { Storage } from '../../log/index.ts'
import { QueueSettling } from '../queue-settling.ts'
import { reportDeadLetter } from '../reports.ts'
import type { Settlement } from '../settlement.ts'
import { type SettlementResult, settle } from '../settling.ts'

export interface PulledSettlementsParts {
  readonly storage: Storage
  readonly deadLetters: DeadLetters
  readonly vault: TextVault | undefined
}

/** Writes how deliveries ended that were pulled, in the name of the consumer that holds them. */
export class PulledSettlements {
  readonly #parts: PulledSettlementsParts

  constructor(parts: PulledSettlementsParts) {
    this.#parts = parts
  }

  attachmentsOf(group: string): Attachments {
    return new Attachments(group, this.#parts.vault)
  }

  async settle(group: string, consumer: string, settlements: readonly Settlement[]): Promise<SettlementResult[]> {
    const { storage, deadLetters } = this.#parts
    const settling = new QueueSettling(storage, group, consumer)
    const results = await settle(settlements, { settling, deadLetters, attachments: this.attachmentsOf(group) })
    for (const result of results) {
      if (result.kind === 'settled' && result.letter !== undefined) reportDeadLetter(storage, result.letter)
    }
    return results
  }
}
