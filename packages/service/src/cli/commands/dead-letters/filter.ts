import type { DeadLetter, DeadLetterFilter } from '@tradpal/event-client'
import { type Command, Option } from 'commander'
import { parseTime, TIMES_HELP } from '../../options.ts'

/** Which letters, as the options of a command say. */
export interface FilterOptions {
  readonly group?: string
  readonly type?: string
  readonly handler?: string
  readonly kind?: DeadLetter['kind']
  readonly fingerprint?: string
  /** In ms since the epoch. */
  readonly since?: number
  readonly until?: number
}

export function addFilterOptions(command: Command): Command {
  return command
    .option('-g, --group <group>', 'only those of this consumer group')
    .option('-t, --type <type>', 'only those of events of this type')
    .option('--handler <name>', 'only those that this handler gave up')
    .addOption(
      new Option('--kind <kind>', 'only those given up for this reason').choices([
        'poison',
        'invalid',
        'rejected',
        'exhausted'
      ])
    )
    .option('--fingerprint <fingerprint>', 'only those of this cause, as causes lists it')
    .option('--since <time>', `dead since this time or later: ${TIMES_HELP}`, parseTime)
    .option('--until <time>', 'dead since this time or earlier', parseTime)
}

export function filterOf({ group, type, handler, kind, fingerprint, since, until }: FilterOptions): DeadLetterFilter {
  return {
    ...(group === undefined ? {} : { group }),
    ...(type === undefined ? {} : { eventType: type }),
    ...(handler === undefined ? {} : { handler }),
    ...(kind === undefined ? {} : { kind }),
    ...(fingerprint === undefined ? {} : { fingerprint }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until })
  }
}
