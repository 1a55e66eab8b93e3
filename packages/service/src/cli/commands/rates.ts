import type { Rate } from '@tradpal/event-client'
import { formatTimestamp } from '@tradpal/events'
import { type Command, Option } from 'commander'
import { printable } from '../../terminal-text.ts'
import { largestFirst } from '../counts.ts'
import type { Run } from '../invocation.ts'
import { collectNames, examples, parseTime, TIMES_HELP } from '../options.ts'
import type { Output } from '../output.ts'

interface RatesOptions {
  readonly per: 'minute' | 'hour'
  readonly start?: number
  readonly end?: number
  readonly type?: readonly string[]
}

export function defineRates(command: Command, run: Run): void {
  command
    .addOption(new Option('--per <length>', 'what a count is of').choices(['minute', 'hour']).default('minute'))
    .option(
      '--start <time>',
      `from the minute or the hour of this time on: ${TIMES_HELP} (default: the last hour, per hour the last day)`,
      parseTime
    )
    .option('--end <time>', 'up to the minute or the hour of this time (default: now)', parseTime)
    .option('-t, --type <type>', 'only events of this type; several: --type a,b', collectNames)
    .addHelpText(
      'after',
      `\nBy when the log took the events, also those that it has no more.\n${examples(
        'tradpal-events rates',
        'tradpal-events rates --per hour --start 7d --type market_data_update --json'
      )}`
    )
    .action(
      run<[RatesOptions]>(async ({ output, openService }, { per, start, end, type }) => {
        await using service = await openService()
        const rates = await service.client.getRates({
          per,
          ...(start !== undefined && { startTime: start }),
          ...(end !== undefined && { endTime: end }),
          ...(type && { eventType: type })
        })
        await show(output, rates)
      })
    )
}

/** A row for each count and type, the largest first. */
async function show(output: Output, rates: readonly Rate[]): Promise<void> {
  if (output.json)
    return output.document({ rates: rates.map(({ at, counts }) => ({ at: formatTimestamp(at), counts })) })
  if (rates.length === 0) return output.note('no events in this time')
  const rows = rates.flatMap(({ at, counts }) => {
    const time = formatTimestamp(at).slice(0, 16)
    return largestFirst(counts).map(([type, count]) => [time, printable(type), count.toLocaleString('en')])
  })
  await output.table(['TIME (UTC)', 'TYPE', 'EVENTS'], rows)
}
