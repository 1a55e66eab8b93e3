import type { Command } from 'commander'
import type { Run } from '../../invocation.ts'
import { collectNames, examples, parseSpan } from '../../options.ts'
import { showIssued } from './show-issued.ts'

interface CreateOptions {
  readonly name: string
  readonly scopes?: readonly string[]
  readonly sources?: readonly string[]
  /** In ms. */
  readonly expires?: number
}

export function defineCreate(command: Command, run: Run): void {
  command
    .command('create')
    .description('Make an API key, and show it this once.')
    .requiredOption('--name <principal>', 'whose key it is: the name of a service')
    .option(
      '--scopes <scopes>',
      'what it may do, beside what the policy gives that name: publish:a,read:*',
      collectNames
    )
    .option(
      '--sources <sources>',
      'as which sources it publishes (default: as the policy says, or its name)',
      collectNames
    )
    .option('--expires <duration>', 'when it ends: 90d, 12h (default: never)', parseSpan)
    .addHelpText(
      'after',
      `
publish:* sends no stream key: that takes stream:<prefix> besides, such as stream:order- for every key that begins so.
${examples(
  'tradpal-events keys create --name ml_service --scopes publish:trading_signal,read:* --expires 90d',
  'tradpal-events keys create --name desk --scopes publish:order_executed,stream:order-',
  'tradpal-events keys create --name ops --scopes "admin:*,stats" --json'
)}`
    )
    .action(
      run<[CreateOptions]>(async ({ output, openService }, { name, scopes = [], sources, expires }) => {
        await using service = await openService({ create: true })
        const issued = await service.client.keys.create({
          name,
          scopes,
          ...(sources === undefined ? {} : { sources }),
          ...(expires === undefined ? {} : { expiresAt: Date.now() + expires })
        })
        await showIssued(issued, output)
      })
    )
}
