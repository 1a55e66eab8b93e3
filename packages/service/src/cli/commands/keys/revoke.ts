import type { Command } from 'commander'
import type { Run } from '../../invocation.ts'
import { examples } from '../../options.ts'
import { keyDocument } from './key-document.ts'

export function defineRevoke(command: Command, run: Run): void {
  command
    .command('revoke <id>')
    .description('End a key at once, on every instance of the service.')
    .addHelpText('after', examples("tradpal-events keys revoke '<id>'"))
    .action(
      run<[string]>(async ({ output, openService }, id) => {
        await using service = await openService()
        const revoked = await service.client.keys.revoke(id)
        if (output.json) return output.document(keyDocument(revoked))
        await output.line(`${revoked.id} of ${revoked.name} is revoked`)
      })
    )
}
