import type { Command } from 'commander'
import type { Run } from '../../invocation.ts'
import { examples } from '../../options.ts'
import { defineNew } from './new.ts'

export function defineEncryptionKeys(command: Command, run: Run): void {
  command.addHelpText('after', examples('tradpal-events encryption-keys new --help'))
  defineNew(command, run)
}
