import type { DeadLetters, RequeueResult } from '@tradpal/event-client'
import { counted, EventSystemError } from '@tradpal/events'
import type { Command } from 'commander'
import { ExitCode } from '../../exit-codes.ts'
import { jsonOf } from '../../input-file.ts'
import type { Invocation, Run } from '../../invocation.ts'
import { examples } from '../../options.ts'
import { startProgress } from '../../progress.ts'
import { addFilterOptions, type FilterOptions, filterOf } from './filter.ts'
import { addOperatorOption, type OperatorOptions, operatorOf } from './operator.ts'

interface RequeueOptions extends FilterOptions, OperatorOptions {
  readonly data?: string
  readonly all?: true
  readonly yes?: true
}

/** So many letters are moved between two looks at whether to stop. */
const STEP = 100

export function defineRequeue(command: Command, run: Run): void {
  const requeue = command
    .command('requeue')
    .argument('[id]', 'one letter; without it, all that match')
    .description('Put entries back to the groups that gave them up, and to no other, and remove their letters.')
    .option('-d, --data <json>', 'of one letter: the group gets the event with this data: JSON, @file, or -')
    .option('--all', 'without a filter: that all letters are meant')
    .option('-y, --yes', 'move them; without it, those that match are only counted')
  addFilterOptions(addOperatorOption(requeue))
    .addHelpText(
      'after',
      `
Letters are moved one by one, each in one atomic step. An interruption (Ctrl-C) ends it behind the letter in hand; the same
command goes on with the rest. Those that cannot be moved stay, are named, and make it end with 1.
${examples(
  "tradpal-events dead-letters requeue '<id>'",
  'tradpal-events dead-letters requeue --group brokers --kind exhausted',
  'tradpal-events dead-letters requeue --group brokers --kind exhausted --yes'
)}`
    )
    .action(
      run<[string | undefined, RequeueOptions]>(async (invocation, id, options) => {
        checkOptions(id, options)
        return id === undefined ? requeueMatching(invocation, options) : requeueOne(invocation, id, options)
      })
    )
}

function checkOptions(id: string | undefined, { data, all, yes, ...options }: RequeueOptions): void {
  const hasFilter = Object.keys(filterOf(options)).length > 0
  if (id !== undefined && (hasFilter || all || yes)) {
    throw new EventSystemError('invalid_options', 'Give either the id of one letter or which are to match.')
  }
  if (id === undefined && data !== undefined) {
    throw new EventSystemError('invalid_options', '--data is for one letter: give its id.')
  }
  if (id === undefined && hasFilter === (all === true)) {
    const sentence =
      'Give the id of one letter, or which are to match, such as --group brokers; --all for every letter.'
    throw new EventSystemError('invalid_options', sentence)
  }
}

async function requeueOne(invocation: Invocation, id: string, options: RequeueOptions): Promise<ExitCode> {
  const { output, stdin, openService } = invocation
  const data = options.data === undefined ? {} : { data: await jsonOf('--data', options.data, stdin) }
  await using service = await openService()
  await service.client.deadLetters.requeue(id, { by: operatorOf(options), ...data })
  await (output.json ? output.document({ status: 'requeued', id }) : output.line(`${id} is back with its group`))
  return ExitCode.DONE
}

async function requeueMatching(invocation: Invocation, options: RequeueOptions): Promise<ExitCode> {
  const { output, openService } = invocation
  await using service = await openService()
  const filter = filterOf(options)
  if (!options.yes) {
    const matched = await service.client.deadLetters.count(filter)
    await (output.json
      ? output.document({ matched, requeued: 0, remaining: matched, failed: [] })
      : output.line(`${lettersOf(matched)} would be put back; --yes does it`))
    return ExitCode.DONE
  }
  const result = await requeueInSteps(invocation, service.client.deadLetters, options)
  const { matched, requeued, remaining, failed } = result
  if (output.json) await output.document({ matched, requeued, remaining, failed })
  else {
    await output.line(
      `${requeued} of ${lettersOf(matched)} put back${remaining === 0 ? '' : `, ${remaining} not tried`}`
    )
    for (const { id, code } of failed) await output.line(`${id} stays: ${code}`)
  }
  if (invocation.signal.aborted) return ExitCode.INTERRUPTED
  return failed.length === 0 ? ExitCode.DONE : ExitCode.FAILED
}

/** Says first how many, then moves them. */
async function requeueInSteps(
  { output, signal }: Invocation,
  letters: DeadLetters,
  options: RequeueOptions
): Promise<RequeueResult> {
  const by = operatorOf(options)
  const filter = filterOf(options)
  const { matched, next: start } = await letters.requeueAll(filter, { by, dryRun: true })
  output.note(`${lettersOf(matched)} to put back`)
  const progress = await startProgress(output, 'requeue', 'letters', matched)
  let next = start
  let requeued = 0
  const failed: RequeueResult['failed'][number][] = []
  while (next !== undefined && !signal.aborted) {
    const { until, ...position } = next
    const step = await letters.requeueAll({ ...filter, until }, { by, limit: STEP, ...position })
    requeued += step.requeued
    failed.push(...step.failed)
    next = step.next
    progress.update(requeued + failed.length, requeued)
  }
  progress.stop()
  return { matched, requeued, remaining: next?.expected ?? 0, failed }
}

function lettersOf(count: number): string {
  return counted(count, 'dead letter')
}
