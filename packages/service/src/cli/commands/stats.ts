import type { Command } from 'commander'
import type { Run } from '../invocation.ts'
import { examples } from '../options.ts'
import { styled } from '../output.ts'
import { standingDocument } from '../standing.ts'

export function defineStats(command: Command, run: Run): void {
  command
    .addHelpText(
      'after',
      examples('tradpal-events stats', 'tradpal-events stats --log ./data/tradpal_events.db --json')
    )
    .action(
      run<[object]>(async ({ output, openTarget }) => {
        await using target = await openTarget()
        const standing = await target.standing()
        if (output.json) return output.document(standingDocument(standing))
        const { log, location, length, firstId, lastId, bytes, deadLetters, groups } = standing
        const facts = [
          ['log', `${log}, ${location}`],
          ['events', countOf(length)],
          ['first', firstId ?? '-'],
          ['last', lastId ?? '-'],
          ['bytes', countOf(bytes)],
          ['consumer groups', String(groups.length)],
          ['dead letters', deadLetters.toLocaleString('en')]
        ]
        for (const [name = '', value = ''] of facts) await output.line(styled('bold', name.padEnd(16)), ' ', value)
      })
    )
}

function countOf(count: number | null): string {
  return count === null ? '-' : count.toLocaleString('en')
}
