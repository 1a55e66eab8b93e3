import type { EventClient } from '@tradpal/event-client'
import { createEvent, decodeEvent, type Event, EventSystemError, type Validation } from '@tradpal/events'
import type { Command } from 'commander'
import { printable, printableJson } from '../../terminal-text.ts'
import { learnEventTypes } from '../event-types.ts'
import { bytesOf, inputUntil, jsonOf } from '../input-file.ts'
import type { Invocation, Run } from '../invocation.ts'
import { type Line, readLines } from '../lines.ts'
import { collectNames, examples } from '../options.ts'
import type { Output } from '../output.ts'
import { commandLineValidation } from '../validation.ts'

interface PublishOptions {
  readonly data?: string
  readonly metadata?: string
  readonly source?: string
  readonly eventId?: string
  readonly timestamp?: string
  readonly file?: readonly string[]
}

/** So many events are published as one unit. */
const BATCH = 500
const OF_ONE_EVENT = ['data', 'metadata', 'source', 'eventId', 'timestamp'] as const

export function definePublish(command: Command, run: Run): void {
  command
    .argument('[type]', 'the type of the one event; without it, events come as NDJSON')
    .option(
      '-d, --data <json>',
      'what the event carries: JSON, @file, or - for standard input (default: {}, where the type requires nothing)'
    )
    .option('--source <name>', 'who publishes it (default: who the service knows, else command_line)')
    .option('--metadata <json>', 'what travels beside the data')
    .option(
      '--event-id <id>',
      'the same id again within the deduplication window is not published again (default: a new one)'
    )
    .option('--timestamp <time>', 'when it happened, RFC 3339 (default: now)')
    .option(
      '-f, --file <file>',
      'NDJSON of events, - for standard input (default: -); several: -f a -f b',
      collectNames
    )
    .addHelpText(
      'after',
      `
It prints the message ids, and says how many had been published before. An event id that stands for another event is refused:
the rest of its unit is published. NDJSON is published as it comes, in units of up to ${BATCH} lines; of a line only event_type is
required. The first wrong line ends it with 2; what stands before it is published.
${examples(
  `tradpal-events publish trading_signal --data '{"symbol": "BTC/USDT", "signal": "BUY"}' --source me`,
  'tradpal-events publish order_executed --data @order.json',
  'tradpal-events publish --file events.ndjson',
  `echo '{"event_type": "system_health", "data": {"status": "ok"}}' | tradpal-events publish --json`
)}`
    )
    .action(
      run<[string | undefined, PublishOptions]>(async (invocation, type, options) => {
        checkOptions(type, options, invocation)
        if (type === undefined) await publishLines(invocation, options.file ?? ['-'])
        else await publishOne(invocation, type, options)
      })
    )
}

function checkOptions(type: string | undefined, options: PublishOptions, { stdin }: Invocation): void {
  const given = OF_ONE_EVENT.filter((name) => options[name] !== undefined)
  if (type !== undefined && options.file !== undefined) {
    throw new EventSystemError('invalid_options', '--file holds whole events: give either it or the type of one event.')
  }
  if (type === undefined && given.length > 0) {
    const names = given.map((name) => `--${name.replace('eventId', 'event-id')}`).join(', ')
    throw new EventSystemError(
      'invalid_options',
      `${names} is of one event: give its type, as in publish trading_signal.`
    )
  }
  if (type === undefined && options.file === undefined && stdin.isTTY) {
    throw new EventSystemError(
      'invalid_options',
      'Nothing to publish: give a type and --data, a --file, or NDJSON on standard input.'
    )
  }
}

async function publishOne(invocation: Invocation, type: string, options: PublishOptions): Promise<void> {
  const { output, env, stdin, openService } = invocation
  const data = options.data === undefined ? {} : await jsonOf('--data', options.data, stdin)
  const metadata = options.metadata === undefined ? {} : await jsonOf('--metadata', options.metadata, stdin)
  await using service = await openService({ create: true })
  const { source = service.source, eventId, timestamp } = options
  await learnEventTypes(service.client)
  const event = createEvent(type, data, {
    source,
    metadata,
    // Who leaves the data out where the type requires some has forgotten them.
    validation: options.data === undefined ? 'strict' : commandLineValidation(env),
    ...(eventId === undefined ? {} : { eventId }),
    ...(timestamp === undefined ? {} : { timestamp })
  })
  await publishBatch(service.client, output, [event])
}

async function publishLines(invocation: Invocation, files: readonly string[]): Promise<void> {
  const { env, stdin, signal, openService } = invocation
  await using service = await openService({ create: true })
  await learnEventTypes(service.client)
  const batch = { client: service.client, output: invocation.output, validation: commandLineValidation(env) }
  let events = 0
  for (const file of files) {
    for await (const lines of readLines(bytesOf(file, inputUntil(stdin, signal)))) {
      for (let start = 0; start < lines.length; start += BATCH) {
        events += await publishUpToWrong(batch, file, lines.slice(start, start + BATCH))
      }
    }
  }
  if (events > 0 || signal.aborted) return
  const inputs = files.map((file) => (file === '-' ? 'standard input' : file)).join(' and ')
  throw new EventSystemError(
    'invalid_argument',
    `Nothing was published: ${inputs} had no events; send one JSON event on each line.`
  )
}

interface Publishing {
  readonly client: EventClient
  readonly output: Output
  readonly validation: Validation
}

/** Publishes the events of lines and resolves to how many; when one is wrong, those before it, and then says so. */
async function publishUpToWrong(
  { client, output, validation }: Publishing,
  file: string,
  lines: readonly Line[]
): Promise<number> {
  const events: Event[] = []
  const numbers: number[] = []
  let wrong: unknown
  for (const line of lines) {
    if (line.text.trim() === '') continue
    try {
      events.push(decodeEvent(line.text, { complete: true, validation }))
      numbers.push(line.number)
    } catch (error) {
      wrong = onLine(error, file, line.number)
      break
    }
  }
  await publishBatch(client, output, events).catch((error) => {
    const index = error instanceof EventSystemError ? error.index : undefined
    throw index === undefined ? error : onLine(error, file, numbers[index] as number)
  })
  if (wrong !== undefined) throw wrong
  return events.length
}

async function publishBatch(client: EventClient, output: Output, events: readonly Event[]): Promise<void> {
  if (events.length === 0) return
  const published = await client.publishAll(events)
  const lines = published.map(({ messageId, eventId, duplicate }) => {
    if (!output.json) return printable(messageId)
    const flag = duplicate ? { duplicate } : {}
    return printableJson({ message_id: messageId, event_id: eventId, status: 'published', ...flag })
  })
  await output.write(`${lines.join('\n')}\n`)
  const duplicates = published.filter(({ duplicate }) => duplicate).length
  if (duplicates > 0 && !output.json) output.note(`${duplicates} of ${published.length} had been published before`)
}

function onLine(error: unknown, file: string, number: number): unknown {
  if (!(error instanceof EventSystemError)) return error
  const { code, message, pointer } = error
  const where = `${file === '-' ? 'standard input' : file}, line ${number}`
  return new EventSystemError(code, `${where}: ${message}`, {
    cause: error,
    ...(pointer === undefined ? {} : { pointer })
  })
}
