import type { Command } from 'commander'
import type { Run } from '../../invocation.ts'
import { examples } from '../../options.ts'

export function defineRotateKey(command: Command, run: Run): void {
  command
    .command('rotate-key')
    .description('Make another key sign the ids of deliveries.')
    .addHelpText(
      'after',
      `\nDo it when somebody may have read the storage of the log. Deliveries that are under way can still be settled; after a second
rotation they cannot, and are delivered again when their leases end.\n${examples('tradpal-events groups rotate-key')}`
    )
    .action(
      run<[object]>(async ({ output, openService }) => {
        await using service = await openService()
        await service.client.groups.rotateDeliveryKey()
        await (output.json
          ? output.document({ status: 'rotated' })
          : output.line('another key signs the ids of deliveries'))
      })
    )
}
