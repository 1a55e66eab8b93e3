import type { Command } from 'commander'
import { defineDefault } from '../../default-command.ts'
import type { Run } from '../../invocation.ts'
import { examples } from '../../options.ts'
import { ageOrNone } from './age.ts'
import { groupDocument } from './group-document.ts'

export function defineList(command: Command, run: Run): void {
  defineDefault(command, 'list')
    .description('List the consumer groups, by name, and how each stands.')
    .addHelpText(
      'after',
      `\nLag: events that the group has not been handed yet, and the age of the oldest of them. Pending: handed out, and not
acknowledged. Retrying: of those, what failed and waits for its next attempt. A - stands for what the service does not show you.\n${examples(
        'tradpal-events groups',
        'tradpal-events groups --json'
      )}`
    )
    .action(
      run<[object]>(async ({ output, openService }) => {
        await using service = await openService()
        const groups = await service.client.groups.list()
        if (output.json) return output.document({ groups: groups.map(groupDocument) })
        if (groups.length === 0) return output.note('no consumer groups')
        await output.table(
          ['GROUP', 'MEMBERS', 'PENDING', 'RETRYING', 'OLDEST PENDING', 'LAG', 'LAG AGE', 'LAST DELIVERED'],
          groups.map(({ name, consumers, pending, retrying, oldestPendingMs, lag, lagMs, lastDelivered }) => [
            name,
            String(consumers.length),
            String(pending ?? '-'),
            String(retrying ?? '-'),
            ageOrNone(oldestPendingMs),
            String(lag ?? (lagMs === null ? '-' : 'unknown')),
            ageOrNone(lagMs),
            lastDelivered ?? '-'
          ])
        )
      })
    )
}
