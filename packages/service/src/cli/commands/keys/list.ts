import { formatTimestamp } from '@tradpal/events'
import type { Command } from 'commander'
import { defineDefault } from '../../default-command.ts'
import type { Run } from '../../invocation.ts'
import { examples } from '../../options.ts'
import { keyDocument, timeOrNull } from './key-document.ts'

export function defineList(command: Command, run: Run): void {
  defineDefault(command, 'list')
    .description('List the API keys, the oldest first. A key itself is shown only when it is made.')
    .addHelpText('after', examples('tradpal-events keys', 'tradpal-events keys list --json'))
    .action(
      run<[object]>(async ({ output, openService }) => {
        await using service = await openService()
        const keys = await service.client.keys.list()
        if (output.json) {
          const documents = keys.map((key) => ({ ...keyDocument(key), last_used_at: timeOrNull(key.lastUsedAt) }))
          return output.document({ keys: documents })
        }
        if (keys.length === 0) return output.note('no API keys')
        await output.table(
          ['ID', 'NAME', 'SCOPES', 'MADE (UTC)', 'BY', 'ENDS', 'LAST USED'],
          keys.map(({ id, name, scopes, createdAt, createdBy, expiresAt, revokedAt, lastUsedAt }) => [
            id,
            name,
            scopes.join(' '),
            minute(createdAt),
            createdBy,
            revokedAt !== null ? 'revoked' : expiresAt === null ? 'never' : minute(expiresAt),
            lastUsedAt === null ? '-' : minute(lastUsedAt)
          ])
        )
      })
    )
}

function minute(ms: number): string {
  return formatTimestamp(ms).slice(0, 16)
}
