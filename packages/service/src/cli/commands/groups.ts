import type { Command } from 'commander'
import type { Run } from '../invocation.ts'
import { examples } from '../options.ts'
import { groupDocument } from '../standing.ts'

export function defineGroups(command: Command, run: Run): void {
  command
    .addHelpText(
      'after',
      `\nLag: events that the group has not been handed yet. Pending: handed out, and not acknowledged.\n${examples(
        'tradpal-events groups',
        'tradpal-events groups --json'
      )}`
    )
    .action(
      run<[object]>(async ({ output, openTarget }) => {
        await using target = await openTarget()
        const { groups } = await target.standing()
        if (output.json) return output.document({ groups: groups.map(groupDocument) })
        if (groups.length === 0) return output.note('no consumer groups')
        await output.table(
          ['GROUP', 'CONSUMERS', 'PENDING', 'LAG', 'LAST DELIVERED'],
          groups.map(({ name, consumers, pending, lag, lastDeliveredId }) => {
            return [name, String(consumers), String(pending), String(lag ?? 'unknown'), lastDeliveredId]
          })
        )
      })
    )
}
