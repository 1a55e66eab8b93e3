import type { Command } from 'commander'
import { rangeOf, showEvents } from '../event-text.ts'
import type { Run } from '../invocation.ts'
import { addRangeOptions, examples, parsePositive, type RangeOptions } from '../options.ts'

interface EventsOptions extends RangeOptions {
  readonly limit: number
}

export function defineEvents(command: Command, run: Run): void {
  addRangeOptions(command)
    .option('-l, --limit <count>', 'at most so many', parsePositive, 20)
    .addHelpText(
      'after',
      `\nOldest first: with --start or --after the first ones from there, without the newest.\n${examples(
        'tradpal-events events',
        'tradpal-events events --type trading_signal,order_executed --start 1h --limit 100',
        'tradpal-events events --symbol BTC/USDT --json'
      )}`
    )
    .action(
      run<[EventsOptions]>(async ({ output, openTarget }, options) => {
        await using target = await openTarget()
        await showEvents(output, await target.getEvents(rangeOf(options), options.limit))
      })
    )
}
