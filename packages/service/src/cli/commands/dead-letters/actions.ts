import { formatTimestamp } from '@tradpal/events'
import type { Command } from 'commander'
import type { Run } from '../../invocation.ts'
import { examples, parsePositive } from '../../options.ts'
import { letterDocument } from './letter-document.ts'

interface ActionsOptions {
  readonly after?: string
  readonly limit: number
}

export function defineActions(command: Command, run: Run): void {
  command
    .command('actions')
    .description('List what was done to dead letters, and by whom, oldest first.')
    .option('--after <id>', 'behind the record of this id')
    .option('-l, --limit <count>', 'at most so many', parsePositive, 20)
    .addHelpText('after', examples('tradpal-events dead-letters actions', 'tradpal-events dead-letters actions --json'))
    .action(
      run<[ActionsOptions]>(async ({ output, openService }, { after, limit }) => {
        await using service = await openService()
        const actions = await service.client.deadLetters.actions({ limit, ...(after === undefined ? {} : { after }) })
        if (output.json) {
          const documents = actions.map(({ at, letter, ...action }) => {
            return { ...action, at: formatTimestamp(at), letter: letterDocument(letter) }
          })
          return output.document({ actions: documents })
        }
        if (actions.length === 0) return output.note('nothing was done to dead letters')
        await output.table(
          ['ID', 'AT (UTC)', 'BY', 'WHAT', 'LETTER', 'GROUP', 'REASON'],
          actions.map(({ id, at, by, action, amended, letter, reason = '-' }) => {
            const what = amended ? `${action}, with other data` : action
            return [id, formatTimestamp(at).slice(0, 19), by, what, letter.id, letter.group, reason]
          })
        )
      })
    )
}
