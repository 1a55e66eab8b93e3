import type { NeededKey, RekeyReport } from '@tradpal/event-system'
import { EventSystemError } from '@tradpal/events'
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
be interrupted: given again, it does what is left. Redis does not rewrite events: of those it says which keys are needed, and
up to which event.
${examples('EVENT_ENCRYPTION_KEYS_FILE=./encryption.json tradpal-events rekey --log ./other.db --dry-run')}`
    )
    .action(
      run<[RekeyOptions]>(async ({ output, signal, openService }, { dryRun = false }) => {
        await using service = await openService()
        if (service.opened === undefined) {
          throw new EventSystemError(
            'unsupported',
            'A service does not change the keys of events: open its log with --log or --redis.'
          )
        }
        const { system, record } = service.opened
        const work = () => system.rekey({ dryRun, signal })
        const report = await (dryRun ? work() : record('log.rekeyed', {}, work))
        if (output.json) return output.document({ ...report, dryRun })
        for (const line of told(report, dryRun)) await output.line(line)
      })
    )
}

function told(report: RekeyReport, dryRun: boolean): string[] {
  const { current, rewritten, resealed, rewrapped, plain, isComplete, needed } = report
  const were = dryRun ? 'would be' : 'were'
  const done = `${counted(rewritten, 'event')} ${were} encrypted anew with the key ${current}`
  const keys = rewrapped > 0 ? [`${counted(rewrapped, 'key')} of customers ${were} encrypted anew`] : []
  const texts =
    resealed > 0
      ? [`${counted(resealed, 'dead letter, record of operators or pending event', TEXTS)} ${were} encrypted anew, too`]
      : []
  if (!isComplete) return [done, ...texts, ...keys, 'it was cut short: which keys are needed is known when it is done']
  const needs = needed.flatMap((key) => [...countedOf(key), ...ledgerOf(key)])
  const stays =
    plain.entries > 0
      ? [`${counted(plain.entries, 'event')} ${plain.entries === 1 ? 'is' : 'are'} plain${newest(plain)}`]
      : []
  return [
    done,
    ...texts,
    ...keys,
    ...stays,
    ...(needs.length > 0 ? needs : ['no event and no dead letter needs another key'])
  ]
}

function countedOf({
  keyId,
  entries,
  newestId,
  newestAt,
  deadLetters,
  pending,
  actions,
  subjectKeys
}: NeededKey): string[] {
  const upTo = newest({ newestId, newestAt })
  const users = [
    ...(entries > 0 ? [`${counted(entries, 'event')}${upTo}`] : []),
    ...(deadLetters > 0 ? [counted(deadLetters, 'dead letter')] : []),
    ...(pending > 0 ? [`${counted(pending, 'event')} that groups have yet to finish`] : []),
    ...(actions > 0 ? [`${counted(actions, 'record')} of what operators did`] : []),
    ...(subjectKeys > 0 ? [`${counted(subjectKeys, 'key')} of customers`] : [])
  ]
  return users.length === 0 ? [] : [`the key ${keyId} is needed by ${users.join(', and by ')}`]
}

function newest({ newestId, newestAt }: Pick<NeededKey, 'newestId' | 'newestAt'>): string {
  return newestAt === null ? '' : `, the newest ${newestId} of ${new Date(newestAt).toISOString()}`
}

function ledgerOf({ keyId, ledgerUntil }: NeededKey): string[] {
  if (ledgerUntil === null) return []
  return [
    `the key ${keyId} may be needed until ${new Date(ledgerUntil).toISOString()}, by what steps of handlers returned`
  ]
}

function counted(count: number, what: string, many = `${what}s`): string {
  return `${count} ${count === 1 ? what : many}`
}

const TEXTS = 'dead letters, records of operators and pending events'
