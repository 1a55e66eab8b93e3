import { EventClient } from '@tradpal/event-client'
import type { Environment } from '@tradpal/event-system'
import type { GlobalOptions } from './options.ts'
import { COMMAND_LINE, type Service } from './service.ts'
import { accessOf, showsWho } from './service-access.ts'

/** The most that the service gives at once. */
const LARGEST_PAGE = 1_000
/** A count runs over its range before it answers, and a trim over what it removes. */
const LONG_TIMEOUT_MS = 600_000

/** The service over HTTP. A variable that is set to nothing counts as unset. */
export async function reachService(globals: GlobalOptions, env: Environment): Promise<Service> {
  const { url = env.EVENT_SERVICE_URL || 'http://localhost:8011', timeout } = globals
  const client = new EventClient({
    url,
    ...(await accessOf(globals, env)),
    ...(timeout === undefined ? {} : { timeoutMs: timeout })
  })
  return {
    client,
    location: url,
    source: showsWho(globals, env) ? '' : COMMAND_LINE,
    longTimeoutMs: timeout ?? LONG_TIMEOUT_MS,
    largestPage: LARGEST_PAGE,
    opened: undefined,
    [Symbol.asyncDispose]: () => client.close()
  }
}
