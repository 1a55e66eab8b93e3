import type { Command } from 'commander'
import type { Run } from '../../invocation.ts'
import { examples } from '../../options.ts'
import { addOperatorOption, type OperatorOptions, operatorOf } from './operator.ts'

interface DiscardOptions extends OperatorOptions {
  readonly reason: string
}

export function defineDiscard(command: Command, run: Run): void {
  const discard = command
    .command('discard <id>')
    .description('Remove one dead letter for good; the record keeps it.')
    .requiredOption('--reason <sentence>', 'why, for the record')
  addOperatorOption(discard)
    .addHelpText('after', examples("tradpal-events dead-letters discard '<id>' --reason 'The order was cancelled.'"))
    .action(
      run<[string, DiscardOptions]>(async ({ output, openService }, id, options) => {
        await using service = await openService()
        await service.client.deadLetters.discard(id, { by: operatorOf(options), reason: options.reason })
        await (output.json ? output.document({ status: 'discarded', id }) : output.line(`${id} is discarded`))
      })
    )
}
