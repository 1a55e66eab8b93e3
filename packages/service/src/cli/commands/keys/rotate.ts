import type { Command } from 'commander'
import type { Run } from '../../invocation.ts'
import { examples, parseSpan } from '../../options.ts'
import { showIssued } from './show-issued.ts'

const A_DAY_MS = 86_400_000

export function defineRotate(command: Command, run: Run): void {
  command
    .command('rotate <id>')
    .description('Make a key like another, which ends some time later.')
    .option('--overlap <duration>', 'how long the old key lives on (default: 1d)', parseSpan)
    .addHelpText('after', examples("tradpal-events keys rotate '<id>' --overlap 12h"))
    .action(
      run<[string, { readonly overlap: number }]>(async ({ output, openService }, id, { overlap = A_DAY_MS }) => {
        await using service = await openService()
        await showIssued(await service.client.keys.rotate(id, { overlapMs: overlap }), output)
      })
    )
}
