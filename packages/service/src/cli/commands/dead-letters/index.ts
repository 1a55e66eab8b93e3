import type { Command } from 'commander'
import type { Run } from '../../invocation.ts'
import { examples } from '../../options.ts'
import { defineActions } from './actions.ts'
import { defineCauses } from './causes.ts'
import { defineDiscard } from './discard.ts'
import { defineList } from './list.ts'
import { defineRequeue } from './requeue.ts'
import { defineShow } from './show.ts'

export function defineDeadLetters(command: Command, run: Run): void {
  command.addHelpText('after', examples('tradpal-events dead-letters list', 'tradpal-events dead-letters list --help'))
  defineList(command, run)
  defineCauses(command, run)
  defineShow(command, run)
  defineRequeue(command, run)
  defineDiscard(command, run)
  defineActions(command, run)
}
