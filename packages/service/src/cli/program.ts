import { Command, CommanderError } from 'commander'
import { ownVersion } from '../own-version.ts'
import { EXIT_CODES_HELP, ExitCode } from './exit-codes.ts'
import { Invoker, type Run } from './invocation.ts'
import { addGlobalOptions, examples } from './options.ts'
import { Output } from './output.ts'
import type { Surroundings } from './surroundings.ts'

interface CommandFile {
  readonly name: string
  readonly summary: string
  /** Gives the command its arguments, options, examples and work. */
  readonly load: () => Promise<(command: Command, run: Run) => void>
}

const COMMANDS: readonly CommandFile[] = [
  {
    name: 'serve',
    summary: 'run the event service',
    load: async () => (await import('./commands/serve.ts')).defineServe
  },
  {
    name: 'publish',
    summary: 'publish one event, or those of NDJSON',
    load: async () => (await import('./commands/publish.ts')).definePublish
  },
  {
    name: 'import',
    summary: 'import a file of events or of prices; resumes where it was interrupted',
    load: async () => (await import('./commands/import.ts')).defineImport
  },
  {
    name: 'tail',
    summary: 'follow events as they come',
    load: async () => (await import('./commands/tail.ts')).defineTail
  },
  {
    name: 'events',
    summary: 'show events of the log',
    load: async () => (await import('./commands/events.ts')).defineEvents
  },
  {
    name: 'replay',
    summary: 'show or count a range of events at a pace',
    load: async () => (await import('./commands/replay.ts')).defineReplay
  },
  {
    name: 'export',
    summary: 'write a range of events to a file, as NDJSON or CSV',
    load: async () => (await import('./commands/export.ts')).defineExport
  },
  {
    name: 'stats',
    summary: 'show how the log stands',
    load: async () => (await import('./commands/stats.ts')).defineStats
  },
  {
    name: 'types',
    summary: 'list the event types; check whether two schemas of one are compatible',
    load: async () => (await import('./commands/types/index.ts')).defineTypes
  },
  {
    name: 'health',
    summary: 'show whether the service or the log is well',
    load: async () => (await import('./commands/health.ts')).defineHealth
  },
  {
    name: 'spool',
    summary: 'show what waits to come into the log',
    load: async () => (await import('./commands/spool.ts')).defineSpool
  },
  {
    name: 'rates',
    summary: 'show how many events of each type came, by the minute or the hour',
    load: async () => (await import('./commands/rates.ts')).defineRates
  },
  {
    name: 'trim',
    summary: 'remove old events, or show what would go',
    load: async () => (await import('./commands/trim.ts')).defineTrim
  },
  {
    name: 'encryption-keys',
    summary: 'make the keys with which events are encrypted',
    load: async () => (await import('./commands/encryption-keys/index.ts')).defineEncryptionKeys
  },
  {
    name: 'rekey',
    summary: 'encrypt anew what old keys encrypted, or show which keys are still needed',
    load: async () => (await import('./commands/rekey.ts')).defineRekey
  },
  {
    name: 'shred',
    summary: 'erase the events of one customer for good, by destroying their key',
    load: async () => (await import('./commands/shred.ts')).defineShred
  },
  {
    name: 'groups',
    summary: 'list, show, move, set or delete consumer groups: members, lag, what is pending',
    load: async () => (await import('./commands/groups/index.ts')).defineGroups
  },
  {
    name: 'dead-letters',
    summary: 'list, show, put back or discard what consumer groups gave up on',
    load: async () => (await import('./commands/dead-letters/index.ts')).defineDeadLetters
  },
  {
    name: 'keys',
    summary: 'list, make, rotate or revoke the API keys of the service',
    load: async () => (await import('./commands/keys/index.ts')).defineKeys
  },
  {
    name: 'policy',
    summary: 'check a policy file, and say what it allows whom',
    load: async () => (await import('./commands/policy.ts')).definePolicy
  },
  {
    name: 'certs',
    summary: 'make certificates for development',
    load: async () => (await import('./commands/certs/index.ts')).defineCerts
  },
  {
    name: 'audit',
    summary: 'show who did what, and verify that nothing of it was changed or removed',
    load: async () => (await import('./commands/audit/index.ts')).defineAudit
  }
]

/** Of help that goes elsewhere than to a terminal, in characters. */
const HELP_WIDTH = 80

/** Runs one command line, without its name, and resolves to its exit code. It touches nothing of the process but files and the network. */
export async function run(args: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const invoker = new Invoker(surroundings)
  try {
    const program = await defineProgram(args, invoker.run, surroundings)
    await program.parseAsync(args, { from: 'user' })
    return invoker.exitCode
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return ExitCode.DONE
    const message = error.message.replace(/^error: /, '')
    const told = error.code === 'commander.help' ? 'A command is missing; tradpal-events --help lists them.' : message
    new Output(args.includes('--json'), surroundings).error(
      { code: 'invalid_argument', message: told },
      ExitCode.WRONG_INPUT
    )
    return ExitCode.WRONG_INPUT
  }
}

/** Only commands whose name is among the arguments are loaded: of the others the name and the summary are enough. */
async function defineProgram(args: readonly string[], run: Run, { stdout }: Surroundings): Promise<Command> {
  const program = new Command('tradpal-events')
    .description('The TradPal event system on the command line.')
    .version(ownVersion(), '-V, --version')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: () => {},
      getOutHelpWidth: () => (stdout.isTTY ? stdout.columns : undefined) ?? HELP_WIDTH
    })
    .exitOverride()
    .addHelpText(
      'after',
      `${EXIT_CODES_HELP}\n${examples('tradpal-events events --help', 'tradpal-events health --json')}`
    )
  addGlobalOptions(program)
  for (const { name, summary, load } of COMMANDS) {
    const command = program.command(name).summary(summary)
    if (!args.includes(name)) continue
    command.description(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`)
    const define = await load()
    define(command, run)
  }
  return program
}
