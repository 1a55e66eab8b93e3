import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import {
  discardRefused,
  EventSystemError,
  formatTimestamp,
  readRefused,
  readSpool,
  SqliteStorage
} from '@tradpal/event-system'
import type { Command } from 'commander'
import type { Invocation, Run } from '../invocation.ts'
import { collectNames, examples } from '../options.ts'
import { type Output, styled } from '../output.ts'

interface SpoolOptions {
  readonly file?: string
  readonly events?: true
  readonly refused?: true
  readonly discard?: readonly string[]
}

export function defineSpool(command: Command, run: Run): void {
  command
    .option('--file <file>', 'the file of a spool, also while its process uses it; default: the spool of the service')
    .option('--events', 'with --file: the events themselves, one a line, oldest first')
    .option('--refused', 'with --file: the events that the log refused for good, one a line, with their ids and why')
    .option('--discard <ids>', 'with --file: remove refused events for good, by their ids', collectNames)
    .addHelpText(
      'after',
      `
The log refuses an event whose event id stands for another event there. To publish it after all, give it an event id of its own.
${examples(
  'tradpal-events spool',
  'tradpal-events spool --file ./data/spool.db --events',
  'tradpal-events spool --file ./data/spool.db --refused'
)}`
    )
    .action(
      run<[SpoolOptions]>(async (invocation, { file, ...what }) => {
        const asked = Object.keys(what)
        if (file === undefined && asked.length > 0) throw wrong(`--${asked[0]} is about a file: give --file.`)
        if (asked.length > 1) throw wrong('Give one of --events, --refused and --discard.')
        if (file === undefined) await showSpoolOfService(invocation)
        else await onFile(file, (store) => workOf(what)(invocation.output, store))
      })
    )
}

function workOf({ events, refused, discard }: SpoolOptions): (output: Output, store: SqliteStorage) => Promise<void> {
  if (discard !== undefined) return (output, store) => discardEvents(output, store, discard)
  if (refused) return showRefused
  return events ? showEvents : showFactsOf
}

async function showSpoolOfService({ output, openService }: Invocation): Promise<void> {
  await using service = await openService()
  const { publishing } = (await service.client.healthCheck()) as { publishing?: { spool?: object } }
  const spool = publishing?.spool
  if (spool !== undefined) return showFacts(output, spool)
  if (output.json) return output.document(null)
  await output.line(`${service.location} has no spool: EVENT_SPOOL_PATH gives a service one.`)
}

async function onFile(file: string, show: (store: SqliteStorage) => Promise<void>): Promise<void> {
  const path = resolve(file)
  if (!existsSync(path)) throw new EventSystemError('not_found', `There is no spool at ${path}.`)
  const store = new SqliteStorage({ path })
  await store.start()
  await show(store).finally(() => store.close())
}

async function showEvents(output: Output, store: SqliteStorage): Promise<void> {
  for await (const { payload } of readSpool(store)) await output.line(payload)
}

/** JSON either way: the events are for programs, to be put right and published. */
async function showRefused(output: Output, store: SqliteStorage): Promise<void> {
  for await (const { id, firstMessageId, reason, spooledAt, refusedAt, payload } of readRefused(store)) {
    const at = { spooled_at: formatTimestamp(spooledAt), refused_at: formatTimestamp(refusedAt) }
    const document = JSON.stringify({ id, reason, first_message_id: firstMessageId, ...at })
    await output.line(`${document.slice(0, -1)},"event":${payload}}`)
  }
}

async function discardEvents(output: Output, store: SqliteStorage, ids: readonly string[]): Promise<void> {
  const discarded = await discardRefused(store, ids)
  if (output.json) return output.document({ status: 'discarded', discarded })
  await output.line(discarded === 1 ? '1 refused event is discarded' : `${discarded} refused events are discarded`)
}

async function showFactsOf(output: Output, store: SqliteStorage): Promise<void> {
  let events = 0
  let bytes = 0
  let oldestAt: number | undefined
  for await (const { payload, spooledAt } of readSpool(store)) {
    events++
    bytes += payload.length
    oldestAt ??= spooledAt
  }
  let refused = 0
  for await (const { payload } of readRefused(store)) {
    refused++
    bytes += payload.length
  }
  const oldestSeconds = oldestAt === undefined ? null : Math.round((Date.now() - oldestAt) / 100) / 10
  await showFacts(output, { location: store.location, events, bytes, oldest_seconds: oldestSeconds, refused })
}

async function showFacts(output: Output, facts: object): Promise<void> {
  if (output.json) return output.document(facts)
  for (const [name, value] of Object.entries(facts)) {
    await output.line(styled('bold', name.replaceAll('_', ' ').padEnd(16)), ' ', String(value ?? '-'))
  }
}

function wrong(sentence: string): EventSystemError {
  return new EventSystemError('invalid_argument', sentence)
}
