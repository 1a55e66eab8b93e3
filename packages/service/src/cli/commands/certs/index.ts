import type { Command } from 'commander'
import type { Run } from '../../invocation.ts'
import { examples } from '../../options.ts'
import { defineDev } from './dev.ts'

export function defineCerts(command: Command, run: Run): void {
  command.addHelpText('after', examples('tradpal-events certs dev', 'tradpal-events certs dev --help'))
  defineDev(command, run)
}
