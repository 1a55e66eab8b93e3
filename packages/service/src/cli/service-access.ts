import { readFile } from 'node:fs/promises'
import type { EventClientOptions } from '@tradpal/event-client'
import { EventSystemError } from '@tradpal/events'
import type { GlobalOptions } from './options.ts'

/** What the client of a service shows and trusts. No option takes a key itself: whoever lists the processes would see it. */
export async function accessOf(options: GlobalOptions): Promise<Pick<EventClientOptions, 'apiKey' | 'fetch'>> {
  const apiKey = options.apiKeyFile === undefined ? variable('EVENT_API_KEY') : await keyIn(options.apiKeyFile)
  const fetch = await fetchOf(options)
  return { ...(apiKey === undefined ? {} : { apiKey }), ...(fetch === undefined ? {} : { fetch }) }
}

/** Whether the service is shown who asks, so that it can name the source of an event itself. */
export function showsWho({ apiKeyFile, cert }: GlobalOptions): boolean {
  const variables = ['EVENT_API_KEY', 'EVENT_CLIENT_CERT_FILE']
  return apiKeyFile !== undefined || cert !== undefined || variables.some((name) => variable(name) !== undefined)
}

async function keyIn(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw new EventSystemError('invalid_options', `--api-key-file ${file} cannot be read: ${cause.message}.`, { cause })
  })
  if (text.trim() !== '') return text.trim()
  throw new EventSystemError('invalid_options', `--api-key-file ${file} is empty.`)
}

/** That of Node where nothing is said. A pair of certificate and key is taken whole from the options or from the environment. */
async function fetchOf({ ca, cert, certKey }: GlobalOptions): Promise<EventClientOptions['fetch'] | undefined> {
  const ofOptions = cert !== undefined || certKey !== undefined
  const given = {
    caFile: ca ?? variable('EVENT_CLIENT_CA_FILE'),
    certFile: ofOptions ? cert : variable('EVENT_CLIENT_CERT_FILE'),
    keyFile: ofOptions ? certKey : variable('EVENT_CLIENT_KEY_FILE')
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

/** One that is set to nothing counts as unset. */
function variable(name: string): string | undefined {
  return process.env[name] || undefined
}
