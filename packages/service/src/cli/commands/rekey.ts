import type { RekeyReport } from '@tradpal/event-system'
import type { Command } from 'commander'
import type { Run } from '../invocation.ts'
import { examples } from '../options.ts'

interface RekeyOptions {
  readonly dryRun?: true
}

export function defineRekey(command: Command, run: Run): void {
  command
    .option('--dry-run', 'rewrite nothing; show what would be, and which keys are needed')
    .addHelpText(
      'after',
      `
With --log or --redis, and the keys of EVENT_ENCRYPTION_KEYS_FILE, old and new. It may run beside those who publish and consume, and
be interrupted: given again, it does what is left. Redis does not rewrite entries: there it says which keys are needed, and
up to which entry.
${examples('EVENT_ENCRYPTION_KEYS_FILE=./encryption.json tradpal-events rekey --log ./other.db --dry-run')}`
    )
    .action(
      run<[RekeyOptions]>(async ({ output, signal, openTarget }, { dryRun = false }) => {
        await using target = await openTarget()
        const report = await target.rekey({ dryRun, signal })
        if (output.json) return output.document({ ...report, dryRun })
        for (const line of told(report, dryRun)) await output.line(line)
      })
    )
}

function told({ current, rewritten, needed }: RekeyReport, dryRun: boolean): string[] {
  const done = `${rewritten} ${rewritten === 1 ? 'event' : 'events'} ${dryRun ? 'would be' : 'were'} encrypted anew with the key ${current}`
  const keys = needed.map(({ keyId, entries, deadLetters, newestId, newestAt }) => {
    const upTo = newestAt === null ? '' : `, the newest ${newestId} of ${new Date(newestAt).toISOString()}`
    return `the key ${keyId} is needed by ${entries} events${upTo}, and by ${deadLetters} dead letters`
  })
  return [done, ...(keys.length > 0 ? keys : ['no event and no dead letter needs another key'])]
}
