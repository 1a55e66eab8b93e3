import type { Command } from 'commander'
import type { Run } from '../../invocation.ts'
import { examples, parsePositive } from '../../options.ts'
import { pulledDocument, pulledText } from './group-document.ts'

interface SetTypesOptions {
  readonly maxAttempts?: number
}

export function defineSetTypes(command: Command, run: Run): void {
  command
    .command('set-types <group> [type...]')
    .description('Set which event types are pulled from a consumer group, and how often an event may fail.')
    .option('--max-attempts <count>', 'an event that failed this often is a dead letter', parsePositive)
    .addHelpText(
      'after',
      `\nThe first pull from a group sets both, and a pull with others is refused. The group acknowledges events of other types.
'*' is every type. Members that embed the library are not concerned.\n${examples(
        'tradpal-events groups set-types reports trading_signal order_executed',
        "tradpal-events groups set-types reports '*' --max-attempts 10"
      )}`
    )
    .action(
      run<[string, string[], SetTypesOptions]>(async ({ output, openService }, name, types, { maxAttempts }) => {
        await using service = await openService()
        const pulled = await service.client.groups.changePulling(name, {
          ...(types.length === 0 ? {} : { eventTypes: types }),
          ...(maxAttempts === undefined ? {} : { maxAttempts })
        })
        await (output.json
          ? output.document({ status: 'changed', group: name, pulled: pulledDocument(pulled) })
          : output.line(`${name} is pulled with ${pulledText(pulled)}`))
      })
    )
}
