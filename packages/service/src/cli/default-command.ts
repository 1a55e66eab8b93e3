import { nearestOf } from '@tradpal/events'
import { type Command, CommanderError } from 'commander'

/** Gives a command the one that runs where none of its own is named. A word that names none is told as such, with the nearest. */
export function defineDefault(parent: Command, name: string): Command {
  const command = parent.command(name, { isDefault: true })
  return command.exitOverride((error) => {
    const [word] = parent.args
    if (error.code !== 'commander.excessArguments' || word === undefined || word === name) throw error
    const names = parent.commands.map((known) => known.name())
    const [nearest] = nearestOf(word, names, 1, 2)
    const hint =
      nearest === undefined ? `; tradpal-events ${parent.name()} --help lists them` : ` (Did you mean ${nearest}?)`
    throw new CommanderError(error.exitCode, 'commander.unknownCommand', `unknown command '${word}'${hint}`)
  })
}
