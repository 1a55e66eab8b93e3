import type { Command } from 'commander'
import type { Run } from '../../invocation.ts'
import { examples } from '../../options.ts'
import { defineCreate } from './create.ts'
import { defineList } from './list.ts'
import { defineRevoke } from './revoke.ts'
import { defineRotate } from './rotate.ts'

export function defineKeys(command: Command, run: Run): void {
  command.addHelpText('after', examples('tradpal-events keys', 'tradpal-events keys create --help'))
  defineList(command, run)
  defineCreate(command, run)
  defineRotate(command, run)
  defineRevoke(command, run)
}
