import { counted } from '@tradpal/events'
import type { Command } from 'commander'
import { rangeOf, showEvent } from '../event-text.ts'
import { noteIfHappened } from '../happened-then.ts'
import type { Run } from '../invocation.ts'
import { addRangeOptions, examples, parseSpeed, type RangeOptions } from '../options.ts'

interface ReplayOptions extends RangeOptions {
  readonly speed: number | 'max'
  readonly count?: true
}

export function defineReplay(command: Command, run: Run): void {
  addRangeOptions(command)
    .option(
      '--speed <factor>',
      'how fast: 1 is the pace at which the log took them, or with --time event at which they happened, 10 ten times that, or max',
      parseSpeed,
      'max'
    )
    .option('-c, --count', 'only say how many there are')
    .addHelpText(
      'after',
      `\nIt changes nothing: no event is appended, no consumer group sees it.\n${examples(
        'tradpal-events replay --start 1h --speed 10',
        'tradpal-events replay --start 2026-11-16 --end 2026-11-20 --time event --speed 1000',
        'tradpal-events replay --type order_executed --count'
      )}`
    )
    .action(
      run<[ReplayOptions]>(async ({ output, signal, openService }, options) => {
        await using service = await openService()
        const { client, longTimeoutMs: timeoutMs } = service
        const range = rangeOf(options)
        if (options.count) {
          const count = await client.countEvents({ ...range, timeoutMs })
          await (output.json
            ? output.document({ status: 'replay_complete', events_replayed: count })
            : output.line(String(count)))
          if (count === 0) await noteIfHappened(output, service, range)
          return
        }
        let count = 0
        for await (const event of client.streamReplay({ ...range, speed: options.speed, signal, raw: true })) {
          if (signal.aborted) return
          await showEvent(output, event)
          count += 1
        }
        output.note(`${counted(count, 'event')} replayed`)
        if (count === 0) await noteIfHappened(output, service, range)
      })
    )
}
