import type * as Api from '@tradpal/event-api'
import type { EventClient, EventStats } from '@tradpal/event-client'
import { EventSystemError } from '@tradpal/events'
import type { Command } from 'commander'
import { printable } from '../../terminal-text.ts'
import { largestFirst } from '../counts.ts'
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
        const { location, client } = service
        const [stats, lastHour] = await Promise.all([client.getEventStats(), countsOfLastHour(client)])
        if (output.json) return output.document(statsDocument(stats, location, lastHour))
        const { log, stream_length: length, first_entry: first, last_entry: last, bytes } = stats
        const facts = [
          ['log', `${log}, ${location}`],
          ['events', countOf(length)],
          ['first', first ?? '-'],
          ['last', last ?? '-'],
          ['bytes', countOf(bytes)],
          ['consumer groups', String(stats.groups.length)],
          ['dead letters', stats.dead_letters.toLocaleString('en')],
          ['in the last hour', lastHour === null ? '-' : textOf(lastHour)]
        ]
        for (const [name = '', value = ''] of facts) await output.line(styled('bold', name.padEnd(17)), ' ', value)
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
  /** Event type -> how many came; `null` where the log does not count them, or the caller may not read them. */
  readonly last_hour: Readonly<Record<string, number>> | null
  readonly groups: Pick<Api.GroupStats, 'name' | 'consumers' | 'pending' | 'lag' | 'last-delivered-id'>[]
}

/** How a log stands, for machines. `location`: of a service its address, and not where its log is. */
function statsDocument(stats: EventStats, location: string, last_hour: StatsDocument['last_hour']): StatsDocument {
  const { log, stream_length, first_entry, last_entry, bytes, dead_letters, groups } = stats
  return {
    ...{ log, location, stream_length, first_entry, last_entry, bytes, dead_letters },
    consumer_groups: groups.length,
    last_hour,
    groups: groups.map(({ name, consumers, pending, lag, 'last-delivered-id': lastDelivered }) => {
      return { name, consumers, pending, lag, 'last-delivered-id': lastDelivered }
    })
  }
}

function countOf(count: number | null): string {
  return count === null ? '-' : count.toLocaleString('en')
}

async function countsOfLastHour(client: EventClient): Promise<Record<string, number> | null> {
  try {
    const sums: Record<string, number> = {}
    for (const { counts } of await client.getRates()) {
      for (const [type, count] of Object.entries(counts)) sums[type] = (sums[type] ?? 0) + count
    }
    return sums
  } catch (error) {
    // A log without an index counts nothing, and not everybody may read counts.
    if (error instanceof EventSystemError && !error.retryable) return null
    throw error
  }
}

/** The most first. */
function textOf(counts: Readonly<Record<string, number>>): string {
  const texts = largestFirst(counts).map(([type, count]) => `${printable(type)} ${countOf(count)}`)
  return texts.join(', ') || 'nothing'
}
