import type { TrimLimits, TrimReport, TrimRequest } from '@tradpal/event-client'
import { counted, parseAge, parseBytes, parseLimitsByType } from '@tradpal/event-system'
import { type Command, InvalidArgumentError } from 'commander'
import { retentionOf } from '../../retention-variables.ts'
import type { Invocation, Run } from '../invocation.ts'
import { examples, parseCount } from '../options.ts'

interface TrimOptions {
  readonly maxLength?: number
  readonly maxAge?: number
  readonly maxBytes?: number
  readonly type?: Readonly<Record<string, TrimLimits>>
  readonly dryRun?: true
  readonly force?: true
}

export function defineTrim(command: Command, run: Run): void {
  command
    .option('--max-length <count>', 'keep at most so many events', parseCount)
    .option('--max-age <age>', 'keep those that the log took at most so long ago: 12h, 30d, 2w, 7y', refused(parseAge))
    .option('--max-bytes <size>', 'keep at most about so much: 500MiB, 10GiB', refused(parseBytes))
    .option(
      '-t, --type <type=limit>',
      'a limit for this type, and so outside the others: market_data_update=1d; several: a=1d/10GiB,b=100000',
      refused(collectLimits)
    )
    .option('--dry-run', 'remove nothing; show what would go, and what groups have not acknowledged')
    .option('--force', 'also what groups have not acknowledged: it is lost to them')
    .addHelpText(
      'after',
      `
Without limits: those of the service, or of the EVENT_RETENTION_ variables with --log or --redis.
${examples(
  'tradpal-events trim --max-age 30d --dry-run',
  'tradpal-events trim --max-age 30d --type market_data_update=1d,order_executed=7y'
)}`
    )
    .action(run<[TrimOptions]>((invocation, options) => trim(invocation, options)))
}

async function trim({ output, env, openService }: Invocation, options: TrimOptions): Promise<void> {
  const { dryRun = false, force = false } = options
  await using service = await openService()
  const { client, opened, longTimeoutMs: timeoutMs } = service
  const given = limitsOf(options)
  const isOfLog = opened !== undefined && Object.keys(given).length === 0
  const request = { ...(isOfLog ? retentionOf(env) : given), dryRun, force, timeoutMs }
  const report = await client.trim(request)
  // What the guard keeps is what force would lose.
  const kept = report.guarded && dryRun ? await client.trim({ ...request, force: true }) : undefined
  if (output.json) return output.document({ ...report, dryRun, ...(kept && { keptFor: lossesOf(kept) }) })
  for (const line of told(report, dryRun, kept)) await output.line(line)
}

/** By the name of a group, or `cursor <name>`. */
function lossesOf({ lostByGroup, lostByCursor }: TrimReport): Record<string, number> {
  const ofCursors = Object.entries(lostByCursor).map(([name, count]) => [`cursor ${name}`, count])
  return { ...lostByGroup, ...Object.fromEntries(ofCursors) }
}

function told(report: TrimReport, dryRun: boolean, kept?: TrimReport): string[] {
  const { removed, guarded } = report
  const lost = Object.entries(lossesOf(report)).map(([name, count]) => `lost to ${name}: ${count}`)
  const stays = Object.entries(kept === undefined ? {} : lossesOf(kept)).map(
    ([name, count]) => `kept for ${name}: ${count}`
  )
  const advice =
    'Some stay beyond the limits: consumer groups have not acknowledged them. --dry-run shows which groups.'
  return [
    `${counted(removed, 'event')} ${dryRun ? 'would be removed' : 'removed'}`,
    ...lost,
    ...stays,
    ...(guarded && kept === undefined ? [advice] : [])
  ]
}

function limitsOf({ maxLength, maxAge, maxBytes, type }: TrimOptions): TrimRequest {
  return {
    ...(maxLength !== undefined && { maxLength }),
    ...(maxAge !== undefined && { maxAgeMs: maxAge }),
    ...(maxBytes !== undefined && { maxBytes }),
    ...(type !== undefined && { byType: type })
  }
}

function collectLimits(text: string, before: Readonly<Record<string, TrimLimits>> = {}) {
  return { ...before, ...parseLimitsByType(text) }
}

/** An option's parser, whose refusals are those of the command line. */
function refused<Parameters extends unknown[], Value>(parse: (...given: Parameters) => Value) {
  return (...given: Parameters): Value => {
    try {
      return parse(...given)
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message)
    }
  }
}
