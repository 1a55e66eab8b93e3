import type { DeadLetterCause } from '@tradpal/event-client'
import { formatTimestamp } from '@tradpal/events'
import type { Command } from 'commander'
import type { Run } from '../../invocation.ts'
import { examples } from '../../options.ts'
import { letterDocument } from './letter-document.ts'

interface CausesOptions {
  readonly group?: string
}

export function defineCauses(command: Command, run: Run): void {
  command
    .command('causes')
    .description('List what failed, by cause: how many dead letters have it, the most frequent first, and the oldest.')
    .option('-g, --group <group>', 'only those of this consumer group')
    .addHelpText(
      'after',
      examples('tradpal-events dead-letters causes', 'tradpal-events dead-letters causes --group brokers --json')
    )
    .action(
      run<[CausesOptions]>(async ({ output, openService }, { group }) => {
        await using service = await openService()
        const causes = await service.client.deadLetters.causes(group === undefined ? {} : { group })
        const sorted = causes.toSorted((a, b) => b.count - a.count)
        if (output.json) return output.document({ causes: sorted.map(causeDocument) })
        if (sorted.length === 0) return output.note('no dead letters')
        await output.table(
          ['COUNT', 'GROUP', 'TYPE', 'KIND', 'SINCE (UTC)', 'ERROR', 'FINGERPRINT'],
          sorted.map(({ count, group, fingerprint, oldest: { eventType, kind, deadAt, lastError } }) => [
            String(count),
            group,
            eventType ?? '-',
            kind,
            formatTimestamp(deadAt).slice(0, 19),
            lastError.message,
            fingerprint
          ])
        )
      })
    )
}

/** A cause in the words of the service's answers. */
function causeDocument({ group, fingerprint, count, oldest }: DeadLetterCause) {
  return { group, fingerprint, count, oldest: letterDocument(oldest) }
}
