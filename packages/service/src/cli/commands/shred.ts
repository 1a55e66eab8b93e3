import type { ShredReport } from '@tradpal/event-system'
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
      run<[string, ShredCommandOptions]>(async ({ output, openTarget }, subject, options) => {
        await using target = await openTarget()
        const report = await target.shred(subject, { by: operatorOf(options), reason: options.reason })
        if (output.json) return output.document(report)
        for (const line of told(report)) await output.line(line)
      })
    )
}

function told({ subjectId, shreddedAt, alreadyShredded, remains }: ShredReport): string[] {
  const when = alreadyShredded ? `was destroyed on ${new Date(shreddedAt).toISOString()}` : 'is destroyed'
  return [`the key ${subjectId} ${when}: nobody can read what it encrypted`, ...(remains === null ? [] : [remains])]
}
