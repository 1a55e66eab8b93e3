import type { ShredReport } from '@tradpal/event-system'
import { EventSystemError } from '@tradpal/events'
import type { Command } from 'commander'
import type { Run } from '../invocation.ts'
import { examples } from '../options.ts'
import { addOperatorOption, type OperatorOptions, operatorOf } from './dead-letters/operator.ts'

interface ShredCommandOptions extends OperatorOptions {
  readonly reason: string
}

export function defineShred(command: Command, run: Run): void {
  command
    .argument('<subject>', 'the id of the customer, as EVENT_ENCRYPTION_SUBJECT finds it in events')
    .requiredOption('--reason <sentence>', 'why, for the record; name no customer in it')
  addOperatorOption(command)
    .addHelpText(
      'after',
      `
With --log or --redis, and the keys of EVENT_ENCRYPTION_KEYS_FILE. There is no way back: the key of the customer is destroyed, nobody
reads their events ever again, and no more are published for them. Copies of the log elsewhere, such as backups, have the key still.
${examples("EVENT_ENCRYPTION_KEYS_FILE=./encryption.json tradpal-events shred customer-17 --log ./other.db --reason 'They asked for it.'")}`
    )
    .action(
      run<[string, ShredCommandOptions]>(async ({ output, openService }, subject, options) => {
        await using service = await openService()
        if (service.opened === undefined) {
          throw new EventSystemError(
            'unsupported',
            'A service does not erase customers: open its log with --log or --redis.'
          )
        }
        const { system, record } = service.opened
        const { reason } = options
        // The subject is a customer: the record knows them by the id of their key, as the log does.
        const work = () => system.shred(subject, { by: operatorOf(options), reason })
        const report = await record('subjects.shredded', { reason }, work, ({ subjectId, shreddedAt }) => ({
          subject_id: subjectId,
          at: shreddedAt
        }))
        if (output.json) return output.document(report)
        for (const line of told(report)) await output.line(line)
      })
    )
}

function told({ subjectId, shreddedAt, alreadyShredded, remains }: ShredReport): string[] {
  const when = alreadyShredded ? `was destroyed on ${new Date(shreddedAt).toISOString()}` : 'is destroyed'
  return [`the key ${subjectId} ${when}: nobody can read what it encrypted`, ...(remains === null ? [] : [remains])]
}
