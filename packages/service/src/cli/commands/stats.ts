import type * as Api from '@tradpal/event-api'
import type { EventStats } from '@tradpal/event-client'
import type { Command } from 'commander'
import type { Run } from '../invocation.ts'
import { examples } from '../options.ts'
import { styled } from '../output.ts'

export function defineStats(command: Command, run: Run): void {
  command
    .addHelpText(
      'after',
      examples('tradpal-events stats', 'tradpal-events stats --log ./data/tradpal_events.db --json')
    )
    .action(
      run<[object]>(async ({ output, openService }) => {
        await using service = await openService()
        const stats = await service.client.getEventStats()
        const { location } = service
        if (output.json) return output.document(statsDocument(stats, location))
        const { log, stream_length: length, first_entry: first, last_entry: last, bytes } = stats
        const facts = [
          ['log', `${log}, ${location}`],
          ['events', countOf(length)],
          ['first', first ?? '-'],
          ['last', last ?? '-'],
          ['bytes', countOf(bytes)],
          ['consumer groups', String(stats.groups.length)],
          ['dead letters', stats.dead_letters.toLocaleString('en')]
        ]
        for (const [name = '', value = ''] of facts) await output.line(styled('bold', name.padEnd(16)), ' ', value)
      })
    )
}

/** The part of the service's answer that a command shows, with the place of the log. */
interface StatsDocument
  extends Pick<
    Api.EventStats,
    'log' | 'stream_length' | 'first_entry' | 'last_entry' | 'bytes' | 'dead_letters' | 'consumer_groups'
  > {
  readonly location: string
  readonly groups: Pick<Api.GroupStats, 'name' | 'consumers' | 'pending' | 'lag' | 'last-delivered-id'>[]
}

/** How a log stands, for machines. `location`: of a service its address, and not where its log is. */
function statsDocument(stats: EventStats, location: string): StatsDocument {
  const { log, stream_length, first_entry, last_entry, bytes, dead_letters, groups } = stats
  return {
    ...{ log, location, stream_length, first_entry, last_entry, bytes, dead_letters },
    consumer_groups: groups.length,
    groups: groups.map(({ name, consumers, pending, lag, 'last-delivered-id': lastDelivered }) => {
      return { name, consumers, pending, lag, 'last-delivered-id': lastDelivered }
    })
  }
}

function countOf(count: number | null): string {
  return count === null ? '-' : count.toLocaleString('en')
}
