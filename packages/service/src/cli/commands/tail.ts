import type { EventRange } from '@tradpal/event-client'
import type { StoredEvent } from '@tradpal/events'
import { EventSystemError } from '@tradpal/events'
import type { Command } from 'commander'
import { rangeOf, showEvent } from '../event-text.ts'
import { noteIfHappened } from '../happened-then.ts'
import type { Run } from '../invocation.ts'
import {
  addFilterOptions,
  examples,
  parseCount,
  parsePositive,
  type RangeOptions,
  timeMs,
  timeOption
} from '../options.ts'
import { getEvents } from '../reading.ts'
import type { Service } from '../service.ts'

interface TailOptions extends Pick<RangeOptions, 'type' | 'symbol' | 'symbols' | 'time'> {
  readonly from?: string
  readonly lines?: number
  readonly count?: number
  readonly follow: boolean
}

/** Where following begins, and what is shown before. */
interface Beginning {
  readonly shown: readonly StoredEvent[]
  readonly from: 'start' | { readonly after: string }
}

export function defineTail(command: Command, run: Run): void {
  addFilterOptions(command)
    .option('--from <place>', 'begin at: start, new, a position or message id (behind it), or a time (default: new)')
    .option('-n, --lines <count>', 'begin with the newest so many', parseCount)
    .option('-c, --count <count>', 'end after so many events', parsePositive)
    .option('-f, --follow', 'wait for those that come', true)
    .option('--no-follow', 'end at what is the end of the log now')
    .addOption(timeOption('with --no-follow: which times --from has, and the order'))
    .addHelpText(
      'after',
      examples(
        'tradpal-events tail',
        'tradpal-events tail --type trading_signal --symbol BTC/USDT -n 10',
        'tradpal-events tail --from start --count 2 --json',
        'tradpal-events tail --from 1h --no-follow',
        'tradpal-events tail --from 2026-11-01 --no-follow --time event'
      )
    )
    .action(
      run<[TailOptions]>(async ({ output, signal, openService }, options) => {
        if (options.from !== undefined && options.lines !== undefined) {
          throw new EventSystemError('invalid_options', '--from and --lines both say where to begin: give one of them.')
        }
        if (options.follow && options.time === 'event') {
          throw new EventSystemError(
            'invalid_options',
            'What is to come is shown in the order of the log: give --time event with --no-follow.'
          )
        }
        await using service = await openService()
        let count = 0
        for await (const event of eventsOf(service, options, signal)) {
          if (signal.aborted) return
          await showEvent(output, event)
          count += 1
          if (count === options.count) return
        }
        if (options.follow || count > 0) return
        await noteIfHappened(output, service, { ...rangeOf(options), ...pastFrom(options) })
      })
    )
}

function eventsOf(service: Service, options: TailOptions, signal: AbortSignal): AsyncIterable<StoredEvent> {
  return options.follow ? followed(service, options, signal) : past(service, options, signal)
}

async function* past(service: Service, options: TailOptions, signal: AbortSignal): AsyncGenerator<StoredEvent> {
  const { from = 'new', lines = 0 } = options
  const filter = rangeOf(options)
  if (from !== 'new') {
    return yield* service.client.streamReplay({ ...filter, ...pastFrom(options), signal, raw: true })
  }
  // The service is asked also where nothing is shown: one that is away is told.
  const newest = await getEvents(service, { ...filter, limit: Math.max(1, lines) })
  if (lines > 0) yield* newest
}

/** Where a range begins that is read to the end of the log. */
function pastFrom({ from = 'new' }: TailOptions): Pick<EventRange, 'startTime' | 'after'> {
  const startTime = timeMs(from)
  if (startTime !== undefined) return { startTime }
  return from === 'start' || from === 'new' ? {} : { after: from }
}

async function* followed(service: Service, options: TailOptions, signal: AbortSignal): AsyncGenerator<StoredEvent> {
  const filter = rangeOf(options)
  const { shown, from } = await beginningOf(service, options, filter)
  yield* shown
  const after = from === 'start' ? 'start' : from.after
  yield* without(shown, service.client.subscribe({ ...filter, after, signal, raw: true }))
}

/** Before anything else is read it is noted where the log ends: what comes meanwhile is behind that, and not lost. */
async function beginningOf(
  service: Service,
  { from = 'new', lines = 0 }: TailOptions,
  filter: EventRange
): Promise<Beginning> {
  if (from === 'start') return { shown: [], from }
  const startTime = timeMs(from)
  if (from !== 'new' && startTime === undefined) return { shown: [], from: { after: from } }
  const { client } = service
  const { position: end } = await client.getPage({ limit: 1 })
  if (startTime !== undefined) {
    const { events, position } = await client.getPage({ ...filter, startTime, limit: 1, raw: true })
    return { shown: events, from: { after: events.length === 0 ? end : position } }
  }
  return { shown: lines === 0 ? [] : await getEvents(service, { ...filter, limit: lines }), from: { after: end } }
}

/** The newest may have come after it was noted where the log ends. */
async function* without(shown: readonly StoredEvent[], events: AsyncIterable<StoredEvent>) {
  const ids = new Set(shown.map(({ messageId }) => messageId))
  for await (const event of events) if (!ids.delete(event.messageId)) yield event
}
