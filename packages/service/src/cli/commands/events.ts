import type { EventClient } from '@tradpal/event-client'
import { EventSystemError, type StreamEvent } from '@tradpal/events'
import { type Command, Option } from 'commander'
import { rangeOf, showEvents, showStream } from '../event-text.ts'
import { noteIfHappened } from '../happened-then.ts'
import type { Run } from '../invocation.ts'
import { addRangeOptions, examples, parsePositive, type RangeOptions } from '../options.ts'
import { getEvents } from '../reading.ts'

interface EventsOptions extends RangeOptions {
  readonly limit: number
  readonly streamKey?: string
  readonly fromVersion?: number
}

const OF_RANGE = ['type', 'symbol', 'symbols', 'start', 'end', 'time', 'after']

export function defineEvents(command: Command, run: Run): void {
  addRangeOptions(command)
    .addOption(
      new Option('--stream-key <key>', 'the events of this stream key, in the order of their versions').conflicts(
        OF_RANGE
      )
    )
    .option('--from-version <version>', 'with --stream-key: from this version on (default: 1)', parsePositive)
    .option('-l, --limit <count>', 'at most so many', parsePositive, 20)
    .addHelpText(
      'after',
      `\nOldest first: with --start, --after or --stream-key the first ones from there, without the newest.\n${examples(
        'tradpal-events events',
        'tradpal-events events --type trading_signal,order_executed --start 1h --limit 100',
        'tradpal-events events --symbol BTC/USDT --symbol ETH/USDT --json',
        'tradpal-events events --start 2026-11-01 --end 2026-11-30 --time event',
        'tradpal-events events --stream-key account-7 --from-version 21'
      )}`
    )
    .action(
      run<[EventsOptions]>(async ({ output, openService }, options) => {
        const { streamKey, fromVersion, limit } = options
        if (streamKey === undefined && fromVersion !== undefined) {
          throw new EventSystemError(
            'invalid_options',
            '--from-version is of a stream key: give it with --stream-key <key>.'
          )
        }
        await using service = await openService()
        if (streamKey === undefined) {
          const range = rangeOf(options)
          const events = await getEvents(service, { ...range, limit })
          await showEvents(output, events)
          if (events.length === 0) await noteIfHappened(output, service, range)
          return
        }
        await showStream(output, await firstOf(service.client, streamKey, fromVersion ?? 1, limit))
      })
    )
}

async function firstOf(client: EventClient, streamKey: string, fromVersion: number, limit: number) {
  const events: StreamEvent<true>[] = []
  for await (const event of client.readStream(streamKey, { fromVersion, raw: true })) {
    events.push(event)
    if (events.length === limit) break
  }
  return events
}
