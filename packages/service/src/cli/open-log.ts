import { existsSync } from 'node:fs'
import { userInfo } from 'node:os'
import { resolve } from 'node:path'
import { EventClient } from '@tradpal/event-client'
import {
  diagnostics,
  type Environment,
  EnvironmentReader,
  EventSystem,
  EventSystemError,
  isRedisUrl,
  registerEventType,
  type SkippedMessage,
  silentLogger
} from '@tradpal/event-system'
import { operator } from '@tradpal/event-system/access'
import { readAccess } from '../access/index.ts'
import { readAudit, saidOf } from '../audit-variables.ts'
import { eventTypesIn } from '../event-types-file.ts'
import { listenToLog } from '../http/listen.ts'
import { buildOperatorsApp } from '../http/operators-app.ts'
import { OperatorsAudit, type OperatorsAuditOptions } from '../http/operators-audit.ts'
import { systemOptions } from '../system-options.ts'
import { fetchInto } from './fetch-into.ts'
import type { GlobalOptions } from './options.ts'
import { COMMAND_LINE, type OpenServiceOptions, type Service } from './service.ts'

/** The longest that a timer waits: a log has no other bound than the timeouts of its own calls. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1

/**
 * Opens a log, and the service over it in this process, for the user that is logged in: nothing listens. A file that is not there is
 * made only with `create`: a mistyped path is no empty log.
 */
export async function openLog(globals: GlobalOptions, { env, create = false }: OpenServiceOptions): Promise<Service> {
  const system = systemOf(globals, env, create)
  const closing: (() => unknown)[] = [() => system.close()]
  const close = async () => {
    for (const end of closing.toReversed()) await end()
  }
  try {
    const audit = new OperatorsAudit({ system, records: recordsOf(env) })
    await system.initialize()
    closing.push(() => audit.close())
    const caller = operator(userInfo().username)
    const app = await buildOperatorsApp({ system, operator: caller, audit })
    closing.push(() => app.close())
    let passedOver = 0
    closing.push(
      listenToLog<SkippedMessage>(system.storage, diagnostics.skipped, () => {
        passedOver += 1
      })
    )
    // The log itself retries calls that may succeed later, within its timeout.
    const client = new EventClient({ fetch: fetchInto(app.server), timeoutMs: LONGEST_TIMEOUT_MS, retries: 0 })
    closing.push(() => client.close())
    const { name: principal, proof } = caller
    return {
      client,
      location: system.storage.location,
      source: COMMAND_LINE,
      longTimeoutMs: LONGEST_TIMEOUT_MS,
      largestPage: Number.POSITIVE_INFINITY,
      opened: {
        system,
        passedOver: () => passedOver,
        record: (action, ...what) => audit.perform(action, { principal, proof }, ...what)
      },
      [Symbol.asyncDispose]: close
    }
  } catch (error) {
    await close()
    throw error
  }
}

function systemOf({ log, redis, stream, timeout }: GlobalOptions, env: Environment, create: boolean): EventSystem {
  if (log !== undefined && !create && !existsSync(log)) {
    throw new EventSystemError('not_found', `There is no log at ${resolve(log)}; publishing to it would make it.`)
  }
  if (redis !== undefined && !isRedisUrl(redis)) {
    throw new EventSystemError('invalid_options', '--redis must be an address such as redis://localhost:6379.')
  }
  for (const definition of eventTypesIn(env.EVENT_TYPES_FILE)) registerEventType(definition)
  // The spool that the environment may name is another process's.
  const { EVENT_SPOOL_PATH: _, ...environment } = env
  return new EventSystem({
    ...systemOptions(environment),
    // A command says in words what went wrong.
    logger: silentLogger,
    ...(log === undefined ? {} : { logPath: log }),
    ...(redis === undefined ? {} : { redisUrl: redis }),
    ...(stream === undefined ? {} : { streamName: stream }),
    ...(timeout === undefined ? {} : { timeoutMs: Math.ceil(timeout) })
  })
}

/** As EVENT_AUDIT says, or else the other variables of a service. Throws `invalid_options`. */
function recordsOf(env: Environment): OperatorsAuditOptions['records'] {
  const read = new EnvironmentReader(env)
  const said = saidOf(read)
  const { isOn } = readAudit(readAccess(env, read), read, said)
  read.finish()
  return said === false ? 'never' : isOn ? 'always' : 'beside others'
}
