import type * as Api from '@tradpal/event-api'
import type { AuditEntry } from '@tradpal/event-client'
import { formatTimestamp, stringifyJson } from '@tradpal/events'
import type { Command } from 'commander'
import { defineDefault } from '../../default-command.ts'
import type { Run } from '../../invocation.ts'
import { examples, parsePositive, parseTime, TIMES_HELP } from '../../options.ts'

interface ListOptions {
  readonly principal?: string
  readonly action?: string
  /** In ms since the epoch. */
  readonly since?: number
  readonly until?: number
  readonly refused?: true
  readonly limit: number
}

export function defineList(command: Command, run: Run): void {
  defineDefault(command, 'list')
    .description('List who did what: the newest entries, or from --since.')
    .option('--principal <name>', 'only what this principal did')
    .option('--action <name>', 'only this: events.published, keys.created, groups.moved, request.refused, …')
    .option('--since <time>', `taken by the audit log at this time or later: ${TIMES_HELP}`, parseTime)
    .option('--until <time>', 'taken by the audit log at this time or earlier', parseTime)
    .option('--refused', 'only what was refused')
    .option('-l, --limit <count>', 'at most so many', parsePositive, 100)
    .addHelpText(
      'after',
      examples(
        'tradpal-events audit list --since 1d --refused',
        'tradpal-events audit list --action log.trimmed --json'
      )
    )
    .action(
      run<[ListOptions]>(async ({ output, openService }, options) => {
        await using service = await openService()
        const entries = await service.client.audit.list(options)
        if (output.json) return output.document({ entries: entries.map(entryDocument) })
        if (entries.length === 0) return output.note('no entries')
        await output.table(
          ['NO', 'AT (UTC)', 'PRINCIPAL', 'ADDRESS', 'ACTION', 'OUTCOME', 'WHAT'],
          entries.map(({ seq, at, principal, address = '-', action, outcome, code, what }) => {
            const came = code === undefined ? outcome : `${outcome}: ${code}`
            return [
              String(seq),
              formatTimestamp(at).slice(0, 19),
              principal,
              address,
              action,
              came,
              stringifyJson(what)
            ]
          })
        )
      })
    )
}

/** An entry, for machines: as the service answers, whose newer actions this command may not know. */
type EntryDocument = Omit<Api.AuditEntry, 'action'> & Pick<AuditEntry, 'action'>

function entryDocument({ messageId, at, keyId, requestId, ...entry }: AuditEntry): EntryDocument {
  return {
    message_id: messageId,
    ...entry,
    at: formatTimestamp(at),
    ...(keyId === undefined ? {} : { key_id: keyId }),
    ...(requestId === undefined ? {} : { request_id: requestId })
  }
}
