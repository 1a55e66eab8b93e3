import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { EventSystemError, readSpool, SqliteLog } from '@tradpal/event-system'
import type { Command } from 'commander'
import type { Invocation, Run } from '../invocation.ts'
import { examples } from '../options.ts'
import { type Output, styled } from '../output.ts'
import type { TargetHealth } from '../target.ts'

interface SpoolOptions {
  readonly file?: string
  readonly events?: true
}

export function defineSpool(command: Command, run: Run): void {
  command
    .option('--file <file>', 'the file of a spool, also while its process uses it; default: the spool of the service')
    .option('--events', 'with --file: the events themselves, one a line, oldest first')
    .addHelpText('after', examples('tradpal-events spool', 'tradpal-events spool --file ./data/spool.db --events'))
    .action(
      run<[SpoolOptions]>(async (invocation, { file, events }) => {
        const { output } = invocation
        if (file === undefined && events) throw wrong('--events shows what is in a file: give --file.')
        if (file === undefined) await showSpoolOfService(invocation)
        else await onFile(file, (store) => (events ? showEvents(output, store) : showFactsOf(output, store)))
      })
    )
}

async function showSpoolOfService({ output, openTarget }: Invocation): Promise<void> {
  await using target = await openTarget()
  const { publishing } = (await target.health()) as TargetHealth & { publishing?: { spool?: object } }
  const spool = publishing?.spool
  if (spool !== undefined) return showFacts(output, spool)
  if (output.json) return output.document(null)
  await output.line(`${target.location} has no spool: EVENT_SPOOL_PATH gives a service one.`)
}

async function onFile(file: string, show: (store: SqliteLog) => Promise<void>): Promise<void> {
  const path = resolve(file)
  if (!existsSync(path)) throw new EventSystemError('not_found', `There is no spool at ${path}.`)
  const store = new SqliteLog({ path })
  await store.start()
  await show(store).finally(() => store.close())
}

async function showEvents(output: Output, store: SqliteLog): Promise<void> {
  for await (const { payload } of readSpool(store)) await output.line(payload)
}

async function showFactsOf(output: Output, store: SqliteLog): Promise<void> {
  let events = 0
  let bytes = 0
  let oldestAt: number | undefined
  for await (const { payload, spooledAt } of readSpool(store)) {
    events++
    bytes += payload.length
    oldestAt ??= spooledAt
  }
  const oldestSeconds = oldestAt === undefined ? null : Math.round((Date.now() - oldestAt) / 100) / 10
  await showFacts(output, { location: store.location, events, bytes, oldest_seconds: oldestSeconds })
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
