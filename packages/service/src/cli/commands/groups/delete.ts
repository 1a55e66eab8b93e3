import type { Command } from 'commander'
import type { Run } from '../../invocation.ts'
import { examples } from '../../options.ts'

interface DeleteOptions {
  readonly force?: true
}

export function defineDelete(command: Command, run: Run): void {
  command
    .command('delete <group>')
    .description('Drop a consumer group, its place and what is pending in it; its dead letters stay.')
    .option('--force', 'also while members live, or events are pending')
    .addHelpText('after', examples('tradpal-events groups delete forgotten'))
    .action(
      run<[string, DeleteOptions]>(async ({ output, openTarget }, name, { force = false }) => {
        await using target = await openTarget()
        await target.groups.remove(name, { force })
        await (output.json ? output.document({ status: 'removed', group: name }) : output.line(`${name} is removed`))
      })
    )
}
