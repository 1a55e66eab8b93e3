import type { Command } from 'commander'
import type { Run } from '../../invocation.ts'
import { examples } from '../../options.ts'
import { defineHead } from './head.ts'
import { defineList } from './list.ts'
import { defineVerify } from './verify.ts'

export function defineAudit(command: Command, run: Run): void {
  command.addHelpText('after', examples('tradpal-events audit', 'tradpal-events audit verify --help'))
  defineList(command, run)
  defineHead(command, run)
  defineVerify(command, run)
}
