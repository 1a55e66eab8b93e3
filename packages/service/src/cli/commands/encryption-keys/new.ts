import { resolve } from 'node:path'
import { addEncryptionKey, EventSystemError } from '@tradpal/event-system'
import type { Command } from 'commander'
import type { Run } from '../../invocation.ts'
import { examples } from '../../options.ts'

interface NewOptions {
  readonly file?: string
  readonly id?: string
}

export function defineNew(command: Command, run: Run): void {
  command
    .command('new')
    .description(
      'Put a new random key into a file of keys, and make it the current one: it encrypts what is written from then on.'
    )
    .option('--file <file>', 'the file of keys; it is made when it is not there (default: EVENT_ENCRYPTION_KEYS_FILE)')
    .option('--id <id>', 'how the key is called (default: the date)')
    .addHelpText(
      'after',
      `
The file belongs to its owner alone (mode 600). Processes that use it read it again within a second or two. Where several
have copies of their own, see that all have the new key before one of them writes with it.
${examples('tradpal-events encryption-keys new --file ./keys.json', 'tradpal-events encryption-keys new --file ./keys.json --id spare')}`
    )
    .action(
      run<[NewOptions]>(async ({ output, env }, options) => {
        const { file = env.EVENT_ENCRYPTION_KEYS_FILE, id = today() } = options
        if (file === undefined || file === '') {
          throw new EventSystemError(
            'invalid_argument',
            'No file of keys is named: give --file, or set EVENT_ENCRYPTION_KEYS_FILE.'
          )
        }
        const { current, keys } = addEncryptionKey(resolve(file), id)
        const facts = { file: resolve(file), current, keys: Object.keys(keys) }
        await (output.json
          ? output.document(facts)
          : output.line(`${current} is the current key of ${facts.file}, one of ${facts.keys.length}`))
      })
    )
}

function today(): string {
  return new Date().toISOString().slice(0, 10)
}
