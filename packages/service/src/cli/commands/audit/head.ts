import type { Command } from 'commander'
import type { Run } from '../../invocation.ts'
import { examples } from '../../options.ts'

export function defineHead(command: Command, run: Run): void {
  command
    .command('head')
    .description('Print the number and the hash of the last entry, to keep where nobody who writes the log can write.')
    .addHelpText('after', examples('tradpal-events audit head', 'tradpal-events audit head --json'))
    .action(
      run<[object]>(async ({ output, openService }) => {
        await using service = await openService()
        const head = await service.client.audit.head()
        await (output.json ? output.document({ head }) : output.line(head))
      })
    )
}
