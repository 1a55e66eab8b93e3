import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import { isPosition } from '../../../position.ts'
import type { Run } from '../../invocation.ts'
import { examples, TIMES_HELP, timeMs } from '../../options.ts'

interface SeekOptions {
  readonly to: string | Date
  readonly force?: true
}

export function defineSeek(command: Command, run: Run): void {
  command
    .command('seek <group>')
    .description('Move a consumer group: what it hands out next. What is pending stays pending.')
    .requiredOption('--to <place>', `start, end, a position or message id (behind it), or ${TIMES_HELP}`, parsePlace)
    .option('--force', 'also while members live')
    .addHelpText(
      'after',
      examples(
        'tradpal-events groups seek reports --to 7d',
        'tradpal-events groups seek reports --to 2026-11-17T09:30:00Z --force'
      )
    )
    .action(
      run<[string, SeekOptions]>(async ({ output, openService }, name, { to, force = false }) => {
        await using service = await openService()
        await service.client.groups.seek(name, to, { force })
        await (output.json ? output.document({ status: 'moved', group: name }) : output.line(`${name} is moved`))
      })
    )
}

function parsePlace(text: string): string | Date {
  if (text === 'start' || text === 'end' || isPosition(text)) return text
  const ms = timeMs(text)
  if (ms !== undefined) return new Date(ms)
  throw new InvalidArgumentError(`It must be start, end, a position, a message id, or ${TIMES_HELP}.`)
}
