import { readFile } from 'node:fs/promises'
import type { EventClientOptions } from '@tradpal/event-client'
import type { Environment } from '@tradpal/event-system'
import { EventSystemError } from '@tradpal/events'
import type { GlobalOptions } from './options.ts'

/** The credentials and certificates of the client of a service. A variable that is set to nothing counts as unset. No option takes a key itself: a list of the processes would show it. */
export async function accessOf(
  options: GlobalOptions,
  env: Environment
): Promise<Pick<EventClientOptions, 'apiKey' | 'fetch'>> {
  const apiKey = options.apiKeyFile === undefined ? env.EVENT_API_KEY || undefined : await keyIn(options.apiKeyFile)
  const fetch = await fetchOf(options, env)
  return { ...(apiKey === undefined ? {} : { apiKey }), ...(fetch === undefined ? {} : { fetch }) }
}

/** Whether the service is shown who asks, so that it can name the source of an event itself. */
export function showsWho({ apiKeyFile, cert }: GlobalOptions, env: Environment): boolean {
  const variables = ['EVENT_API_KEY', 'EVENT_CLIENT_CERT_FILE']
  return apiKeyFile !== undefined || cert !== undefined || variables.some((name) => env[name])
}

async function keyIn(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw new EventSystemError('invalid_options', `--api-key-file ${file} cannot be read: ${cause.message}.`, { cause })
  })
  if (text.trim() !== '') return text.trim()
  throw new EventSystemError('invalid_options', `--api-key-file ${file} is empty.`)
}

/** That of Node where nothing is said. A pair of certificate and key is taken whole from the options or from the environment. */
async function fetchOf(
  { ca, cert, certKey }: GlobalOptions,
  env: Environment
): Promise<EventClientOptions['fetch'] | undefined> {
  const ofOptions = cert !== undefined || certKey !== undefined
  const given = {
    caFile: ca ?? (env.EVENT_CLIENT_CA_FILE || undefined),
    certFile: ofOptions ? cert : env.EVENT_CLIENT_CERT_FILE || undefined,
    keyFile: ofOptions ? certKey : env.EVENT_CLIENT_KEY_FILE || undefined
  }
  if ((given.certFile === undefined) !== (given.keyFile === undefined)) {
    const [pair, how] = ofOptions
      ? ['--cert and --cert-key', 'give']
      : ['EVENT_CLIENT_CERT_FILE and EVENT_CLIENT_KEY_FILE', 'set']
    throw new EventSystemError('invalid_options', `${pair} belong together: ${how} both, or none.`)
  }
  const files = Object.fromEntries(Object.entries(given).filter(([, file]) => file !== undefined))
  if (Object.keys(files).length === 0) return undefined
  const { tlsFetch } = await import('@tradpal/event-client/node')
  return tlsFetch(files)
}
