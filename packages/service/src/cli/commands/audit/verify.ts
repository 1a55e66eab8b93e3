import type { Command } from 'commander'
import { ExitCode } from '../../exit-codes.ts'
import type { Run } from '../../invocation.ts'
import { examples } from '../../options.ts'

interface VerifyOptions {
  readonly head?: string
}

export function defineVerify(command: Command, run: Run): void {
  command
    .command('verify')
    .description('Walk all entries, and name the first that was changed, removed, inserted or swapped.')
    .option('--head <seq:hash>', 'a head that was kept: what stood there then must stand there still')
    .addHelpText(
      'after',
      `\nIt ends with 1 when something is wrong. Without a head it cannot tell when all was written anew.\n${examples(
        'tradpal-events audit verify',
        'tradpal-events audit verify --head "$(tradpal-events audit head)"'
      )}`
    )
    .action(
      run<[VerifyOptions]>(async ({ output, openTarget }, options) => {
        await using target = await openTarget()
        const verification = await target.audit.verify(options)
        const { ok, entries, last, fault } = verification
        if (output.json) await output.document(verification)
        else if (fault !== undefined) await output.line(`${fault.message} (${fault.kind})`)
        else await output.line(`${entries} entries are as they were written, up to ${last ?? 'none'}`)
        return ok ? ExitCode.DONE : ExitCode.FAILED
      })
    )
}
