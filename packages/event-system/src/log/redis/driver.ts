import { type RedisTlsOptions, readTls } from './tls.ts'

type Driver = typeof import('@redis/client')
type DriverError = 'ErrorReply' | 'ClientClosedError' | 'ClientOfflineError' | 'DisconnectsClientError'

/** Of every client. */
const OPTIONS = {
  RESP: 2,
  disableOfflineQueue: true,
  // The time of each call is kept by a line's send(): the client's own would make an AbortSignal for each command.
  commandOptions: { timeout: 0 }
} as const

let loaded: { readonly driver: Driver; readonly template: ReturnType<Driver['createClient']> } | undefined

/**
 * The official client. It takes as long to load as all the rest, so a process that connects to no Redis never does. Each client is a
 * copy of one that never connects: for one of other options than the last the driver would write a class of 400 methods, 10 to 40 ms
 * in which a process does nothing else.
 */
export async function loadDriver() {
  if (loaded === undefined) {
    const driver = await import('@redis/client')
    loaded ??= { driver, template: driver.createClient(OPTIONS) }
  }
  return loaded
}

/** A server, and how it is reached. */
export interface Server {
  /** As the driver takes it: `redis://`, `rediss://` or `unix://`, with user and password. */
  readonly url: string
  /** Of a URL that begins with `rediss://`. */
  readonly tls: RedisTlsOptions
}

/** A connection of its own to one server, not yet connected. It does not connect again by itself. */
export async function newClient({ url, tls }: Server, connectTimeoutMs: number) {
  const { template } = await loadDriver()
  const socket = { connectTimeout: Math.max(1, Math.ceil(connectTimeoutMs)), reconnectStrategy: false } as const
  return template.duplicate({
    url,
    socket: url.startsWith('rediss:') ? { ...socket, tls: true, ...(await readTls(tls)) } : socket
  })
}

export type Client = Awaited<ReturnType<typeof newClient>>

/** Whether the client threw it, as one of these classes of its own. */
export function isDriverError(error: unknown, ...names: DriverError[]): error is Error {
  return names.some((name) => loaded !== undefined && error instanceof loaded.driver[name])
}
