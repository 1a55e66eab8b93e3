import { formatTimestamp } from '@tradpal/events'
import type { Command } from 'commander'
import { defineDefault } from '../../default-command.ts'
import type { Run } from '../../invocation.ts'
import { examples, parsePositive } from '../../options.ts'
import { addFilterOptions, type FilterOptions, filterOf } from './filter.ts'
import { letterDocument } from './letter-document.ts'

interface ListOptions extends FilterOptions {
  readonly after?: string
  readonly limit: number
}

export function defineList(command: Command, run: Run): void {
  const list = defineDefault(command, 'list').description(
    'List the dead letters that match, oldest first, and say how many there are.'
  )
  addFilterOptions(list)
    .option('--after <id>', 'behind the letter of this id')
    .option('-l, --limit <count>', 'at most so many', parsePositive, 20)
    .addHelpText(
      'after',
      examples('tradpal-events dead-letters', 'tradpal-events dead-letters list --group brokers --since 1h --json')
    )
    .action(
      run<[ListOptions]>(async ({ output, openService }, { after, limit, ...filter }) => {
        await using service = await openService()
        const matching = filterOf(filter)
        const [letters, total] = await Promise.all([
          service.client.deadLetters.list({ ...matching, limit, ...(after === undefined ? {} : { after }) }),
          service.client.deadLetters.count(matching)
        ])
        if (output.json) return output.document({ dead_letters: letters.map(letterDocument), total })
        if (letters.length === 0) return output.note(total === 0 ? 'no dead letters' : `none of ${total} behind that`)
        await output.table(
          ['ID', 'GROUP', 'HANDLER', 'TYPE', 'KIND', 'ATTEMPTS', 'DEAD SINCE (UTC)', 'REASON'],
          letters.map(({ id, group, handler, eventType, kind, attempts, deadAt, lastError }) => [
            id,
            group,
            handler ?? '-',
            eventType ?? '-',
            kind,
            String(attempts),
            formatTimestamp(deadAt).slice(0, 19),
            lastError.message
          ])
        )
        output.note(`${letters.length} of ${total}`)
      })
    )
}
