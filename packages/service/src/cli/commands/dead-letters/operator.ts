import { userInfo } from 'node:os'
import type { Command } from 'commander'

export interface OperatorOptions {
  readonly by?: string
}

/** Who does it stands in the record. */
export function addOperatorOption(command: Command): Command {
  return command.option('--by <name>', 'who does it, for the record (default: the user that is logged in)')
}

export function operatorOf({ by }: OperatorOptions): string {
  return by ?? userInfo().username
}
