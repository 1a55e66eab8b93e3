import type { DeadLetter } from '@tradpal/event-client'
import { formatTimestamp } from '@tradpal/events'
import type { Command } from 'commander'
import type { Run } from '../invocation.ts'
import { examples, parsePositive } from '../options.ts'
import { printable } from '../output.ts'

interface ListOptions {
  readonly group?: string
  readonly after?: string
  readonly limit: number
}

export function defineDeadLetters(command: Command, run: Run): void {
  command.addHelpText('after', examples('tradpal-events dead-letters list', 'tradpal-events dead-letters list --help'))

  command
    .command('list', { isDefault: true })
    .description('List the dead letters, oldest first.')
    .option('-g, --group <group>', 'only those of this consumer group')
    .option('--after <id>', 'behind the letter of this id')
    .option('-l, --limit <count>', 'at most so many', parsePositive, 20)
    .addHelpText(
      'after',
      examples('tradpal-events dead-letters', 'tradpal-events dead-letters list --group brokers --json')
    )
    .action(
      run<[ListOptions]>(async ({ output, openTarget }, { group, after, limit }) => {
        await using target = await openTarget()
        const letters = await target.listDeadLetters({
          limit,
          ...(group === undefined ? {} : { group }),
          ...(after === undefined ? {} : { after })
        })
        if (output.json) return output.document({ dead_letters: letters.map(letterDocument) })
        if (letters.length === 0) return output.note('no dead letters')
        await output.table(
          ['ID', 'GROUP', 'KIND', 'ATTEMPTS', 'DEAD SINCE (UTC)', 'REASON'],
          letters.map(({ id, group, kind, attempts, deadAt, reason }) => {
            return [id, group, kind, String(attempts), formatTimestamp(deadAt).slice(0, 19), reason]
          })
        )
      })
    )

  command
    .command('show <id>')
    .description('Show one dead letter in full.')
    .addHelpText('after', examples("tradpal-events dead-letters show '<id>'"))
    .action(
      run<[string, object]>(async ({ output, openTarget }, id) => {
        await using target = await openTarget()
        const document = letterDocument(await target.getDeadLetter(id))
        if (output.json) return output.document(document)
        for (const [name, value] of Object.entries(document)) {
          if (value === undefined) continue
          const text = typeof value === 'string' ? value : JSON.stringify(value)
          const lines = name === 'stack' ? text.split('\n').map(printable).join('\n') : printable(text)
          await output.line(`${output.colour.bold(name.padEnd(12))} ${lines}`)
        }
      })
    )

  command
    .command('requeue <id>')
    .description('Put the entry back to the group that gave up on it, and remove the letter.')
    .addHelpText('after', examples("tradpal-events dead-letters requeue '<id>'"))
    .action(
      run<[string, object]>(async ({ output, openTarget }, id) => {
        await using target = await openTarget()
        await target.requeueDeadLetter(id)
        await (output.json
          ? output.document({ status: 'requeued', id })
          : output.line(`${printable(id)} is back with its group`))
      })
    )
}

/** A letter in the words of the service's answers. */
function letterDocument({ messageId, deadAt, ...letter }: DeadLetter) {
  const { id, group, consumer, kind, reason, attempts, payload, raw, stack } = letter
  const dead_at = formatTimestamp(deadAt)
  return { id, message_id: messageId, group, consumer, kind, reason, attempts, dead_at, payload, raw, stack }
}
