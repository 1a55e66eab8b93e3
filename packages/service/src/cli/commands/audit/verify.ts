import { counted, EventSystemError } from '@tradpal/events'
import type { Command } from 'commander'
import { ExitCode } from '../../exit-codes.ts'
import type { Run } from '../../invocation.ts'
import { examples } from '../../options.ts'
import { readHeadFile, writeHeadFile } from './head-file.ts'

interface VerifyOptions {
  readonly head?: string
  readonly headFile?: string
  readonly allowEmpty?: true
}

export function defineVerify(command: Command, run: Run): void {
  command
    .command('verify')
    .description('Walk all entries, and name the first that was changed, removed, inserted or swapped.')
    .option('--head <seq:hash>', 'a head that was kept: what stood there then must stand there still')
    .option('--head-file <file>', 'a file with such a head; when all is right, the newest head is written to it')
    .option('--allow-empty', 'nothing may have been recorded yet: an audit log without entries is right')
    .addHelpText(
      'after',
      `\nIt ends with 1 when something is wrong. Without a head it cannot tell that all entries were removed or rewritten.\n${examples(
        'tradpal-events audit verify',
        'tradpal-events audit head > audit-head && tradpal-events audit verify --head-file audit-head'
      )}`
    )
    .action(
      run<[VerifyOptions]>(async ({ output, openService }, { head, headFile, allowEmpty = false }) => {
        if (head !== undefined && headFile !== undefined) {
          throw new EventSystemError('invalid_options', '--head and --head-file both give a head: give one of them.')
        }
        const kept = headFile === undefined ? head : await readHeadFile(headFile)
        await using service = await openService()
        const verification = await service.client.audit.verify({
          ...{ allowEmpty, timeoutMs: service.longTimeoutMs },
          ...(kept !== undefined && { head: kept })
        })
        const { ok, entries, last, fault } = verification
        if (ok && headFile !== undefined && last !== null) await writeHeadFile(headFile, last)
        if (output.json) await output.document(verification)
        else if (fault !== undefined) await output.line(`${fault.message} (${fault.kind})`)
        else
          await output.line(
            `${counted(entries, 'entry is as it was', 'entries are as they were')} written, up to ${last ?? 'none'}`
          )
        return ok ? ExitCode.DONE : ExitCode.FAILED
      })
    )
}
