import type { Command } from 'commander'
import type { Run } from '../../invocation.ts'
import { examples } from '../../options.ts'
import { defineList } from './list.ts'
import { defineRemove } from './remove.ts'
import { defineRotateKey } from './rotate-key.ts'
import { defineSeek } from './seek.ts'
import { defineSetTypes } from './set-types.ts'
import { defineShow } from './show.ts'

export function defineGroups(command: Command, run: Run): void {
  command.addHelpText('after', examples('tradpal-events groups', 'tradpal-events groups show --help'))
  defineList(command, run)
  defineShow(command, run)
  defineSeek(command, run)
  defineSetTypes(command, run)
  defineRemove(command, run)
  defineRotateKey(command, run)
}
