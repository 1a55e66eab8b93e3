import type { HealthReport } from '@tradpal/event-client'
import { EventSystemError } from '@tradpal/events'
import type { Command } from 'commander'
import { ExitCode, isWrongInput } from '../exit-codes.ts'
import type { Invocation, Run } from '../invocation.ts'
import { examples } from '../options.ts'
import { styled } from '../output.ts'
import { withAdvice } from '../reachability.ts'

export function defineHealth(command: Command, run: Run): void {
  command
    .addHelpText(
      'after',
      `\nEnds with 0 when it is healthy or degraded, and with 1 when it is not or cannot be reached.\n${examples(
        'tradpal-events health',
        'tradpal-events health --json --timeout 2s'
      )}`
    )
    .action(
      run<[object]>(async (invocation) => {
        const { output } = invocation
        const health = await healthOf(invocation)
        if (output.json) await output.document(health)
        else await show(invocation, health)
        return health.status === 'unhealthy' ? ExitCode.FAILED : ExitCode.DONE
      })
    )
}

type Health = Pick<HealthReport, 'status'> & { readonly [detail: string]: unknown }

/** What cannot be reached is unhealthy: that too is an answer. */
async function healthOf({ openService }: Invocation): Promise<Health> {
  try {
    await using service = await openService()
    const health = await service.client.healthCheck()
    return service.opened === undefined ? health : ofLog(health)
  } catch (error) {
    if (!(error instanceof EventSystemError) || isWrongInput(error.code)) throw error
    return { status: 'unhealthy', reason: (withAdvice(error) as Error).message, code: error.code }
  }
}

/** Of a log that the command opened there is no service to tell of. */
function ofLog({ status, reasons, warnings, log }: HealthReport): Health {
  return { status, reasons, warnings, log }
}

async function show({ output }: Invocation, { status, ...details }: Health): Promise<void> {
  const style = ({ healthy: 'green', degraded: 'yellow', unhealthy: 'red' } as const)[status]
  await output.line(styled(style, status))
  for (const [name, value] of leaves(details)) await output.line(styled('bold', name.padEnd(20)), ' ', value)
}

function leaves(value: object, path = ''): [string, string][] {
  return Object.entries(value).flatMap(([key, inner]): [string, string][] => {
    if (typeof inner === 'object' && inner !== null) return leaves(inner, `${path}${key}.`)
    return [[`${path}${key}`, String(inner)]]
  })
}
