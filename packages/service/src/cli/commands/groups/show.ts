import type * as Api from '@tradpal/event-api'
import type { GroupInfo, PendingEvent } from '@tradpal/event-client'
import { formatTimestamp } from '@tradpal/events'
import type { Command } from 'commander'
import type { Run } from '../../invocation.ts'
import { examples, parsePositive } from '../../options.ts'
import { type Output, styled } from '../../output.ts'
import { age, ageOrNone } from './age.ts'
import { groupDocument, pulledText } from './group-document.ts'

interface ShowOptions {
  readonly after?: string
  readonly limit: number
}

export function defineShow(command: Command, run: Run): void {
  command
    .command('show <group>')
    .description('Show one consumer group, its members, and what is pending in it.')
    .option('--after <message-id>', 'what is pending behind this message id')
    .option('-l, --limit <count>', 'at most so many pending events', parsePositive, 20)
    .addHelpText(
      'after',
      examples('tradpal-events groups show brokers', 'tradpal-events groups show brokers --limit 100 --json')
    )
    .action(
      run<[string, ShowOptions]>(async ({ output, openService }, name, page) => {
        await using service = await openService()
        const group = await service.client.groups.get(name)
        const pending = areShown(group) ? await service.client.groups.pending(name, page) : null
        if (!output.json) return showForPeople(output, group, pending)
        await output.document({ ...groupDocument(group), pending_events: pending?.map(pendingDocument) ?? null })
      })
    )
}

function pendingDocument(pending: PendingEvent): Api.PendingEvent {
  const { messageId, at, consumer, idleMs, deliveries, failures, lastError, dueAt } = pending
  return {
    message_id: messageId,
    at: formatTimestamp(at),
    consumer,
    idle_ms: Math.round(idleMs),
    deliveries,
    failures,
    last_error: lastError,
    due_at: dueAt === null ? null : formatTimestamp(dueAt)
  }
}

async function showForPeople(output: Output, group: GroupInfo, pending: readonly PendingEvent[] | null): Promise<void> {
  const { pulled } = group
  const facts = [
    ['group', group.name],
    ['partitions', group.partitions === null ? 'none: it shares event by event' : `${group.partitions}, by key`],
    ['pulled', pulled === null ? 'never' : pulledText(pulled)],
    ...figuresOf(group)
  ]
  for (const [name = '', value = ''] of facts) await output.line(styled('bold', name.padEnd(14)), ' ', value)
  await output.line('')
  if (group.consumers.length === 0) await output.line('no members')
  else {
    await output.table(
      ['MEMBER', 'PENDING', 'IDLE', 'PARTITIONS'],
      group.consumers.map(({ name, pending, idleMs, partitions }) => {
        return [name, String(pending ?? '-'), age(idleMs), partitions.join(' ') || '-']
      })
    )
  }
  if (pending === null || pending.length === 0) return
  await output.line('')
  await output.table(
    ['PENDING EVENT', 'TAKEN BY THE LOG (UTC)', 'MEMBER', 'IDLE', 'DELIVERIES', 'FAILURES', 'LAST ERROR'],
    pending.map(({ messageId, at, consumer, idleMs, deliveries, failures, lastError }) => {
      const when = formatTimestamp(at).slice(0, 19)
      const why = lastError === null ? '-' : lastError.slice(0, 60)
      return [messageId, when, consumer || '-', age(idleMs), String(deliveries), String(failures), why]
    })
  )
  output.note(`${pending.length} of ${group.pending} pending`)
}

/** Whether the service shows the figures of a group to who asks. */
function areShown({ pending }: GroupInfo): boolean {
  return pending !== null
}

function figuresOf(group: GroupInfo): string[][] {
  const { oldestPendingMs: oldest, lag, lagMs, pending, retrying, lastDelivered } = group
  if (!areShown(group)) return [['figures', 'not shown to you: they take the scope stats, admin:groups or read:*']]
  return [
    ['lag', lag === null ? 'unknown' : `${lag}${lag > 0 ? `, the oldest ${ageOrNone(lagMs)} old` : ''}`],
    ['pending', `${pending}${oldest === null ? '' : `, the oldest ${age(oldest)} old`}`],
    ['retrying', String(retrying)],
    ['last delivered', lastDelivered ?? '-']
  ]
}
