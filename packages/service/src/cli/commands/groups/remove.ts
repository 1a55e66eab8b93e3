import type { Command } from 'commander'
import type { Run } from '../../invocation.ts'
import { examples } from '../../options.ts'

interface RemoveOptions {
  readonly force?: true
}

export function defineRemove(command: Command, run: Run): void {
  command
    .command('remove <group>')
    .description('Remove a consumer group, its place and what is pending in it; its dead letters stay.')
    .option('--force', 'also while members live, or events are pending')
    .addHelpText('after', examples('tradpal-events groups remove forgotten'))
    .action(
      run<[string, RemoveOptions]>(async ({ output, openService }, name, { force = false }) => {
        await using service = await openService()
        await service.client.groups.remove(name, { force })
        await (output.json ? output.document({ status: 'removed', group: name }) : output.line(`${name} is removed`))
      })
    )
}
