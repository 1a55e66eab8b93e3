import { readFileSync } from 'node:fs'
import { assertScope, type Policy, type PolicyReason, parsePolicy } from '@tradpal/event-system/access'
import { EventSystemError } from '@tradpal/events'
import type { Command } from 'commander'
import { ExitCode } from '../exit-codes.ts'
import type { Run } from '../invocation.ts'
import { examples } from '../options.ts'

interface CheckOptions {
  readonly file?: string
  readonly as?: string
  readonly can?: string
}

export function definePolicy(command: Command, run: Run): void {
  command.addHelpText('after', examples('tradpal-events policy check --help'))
  command
    .command('check')
    .description(
      'Check a policy file. With --as and --can: say whether it allows that, and by what; exit code 1 when not.'
    )
    .option('--file <file>', 'the policy file (default: EVENT_POLICY_FILE)')
    .option('--as <name>', 'whom: the name of a principal')
    .option('--can <scope>', 'what: publish:trading_signal, admin:groups')
    .addHelpText(
      'after',
      examples(
        'tradpal-events policy check --file policy.json',
        'tradpal-events policy check --file policy.json --as ml_service --can publish:trading_signal'
      )
    )
    .action(
      run<[CheckOptions]>(async ({ output, env }, { file = env.EVENT_POLICY_FILE || undefined, as, can }) => {
        if (file === undefined) throw wrong('Say which policy: --file, or EVENT_POLICY_FILE.')
        if ((as === undefined) !== (can === undefined))
          throw wrong('--as and --can belong together: give both, or none.')
        const policy = policyOf(file)
        if (as === undefined || can === undefined) {
          await (output.json ? output.document({ valid: true }) : output.line(`${file} is a policy`))
          return ExitCode.DONE
        }
        assertScope(can)
        const reason = policy.reasonOf(as, can)
        await (output.json
          ? output.document({ allowed: reason !== undefined, ...reason })
          : output.line(sentence(as, can, reason)))
        return reason === undefined ? ExitCode.FAILED : ExitCode.DONE
      })
    )
}

function policyOf(file: string): Policy {
  try {
    return parsePolicy(readFileSync(file))
  } catch (cause) {
    throw wrong(`${file} is no policy: ${(cause as Error).message}`, cause)
  }
}

function sentence(name: string, scope: string, reason: PolicyReason | undefined): string {
  if (reason === undefined) return `no: the policy does not give ${name} ${scope}; an API key or a token may`
  const role = reason.role === undefined ? '' : ` by the role ${reason.role}`
  return `yes: ${reason.principal} has ${reason.scope}${role}`
}

function wrong(message: string, cause?: unknown): EventSystemError {
  return new EventSystemError('invalid_options', message, { cause })
}
