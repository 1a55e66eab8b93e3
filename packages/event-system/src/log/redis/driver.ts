type Driver = typeof import('redis')
type DriverError = 'ErrorReply' | 'ClientClosedError' | 'ClientOfflineError' | 'DisconnectsClientError'

let loaded: Driver | undefined

/** The official client. It takes as long to load as all the rest, so a process that connects to no Redis never does. */
export async function loadDriver(): Promise<Driver> {
  loaded ??= await import('redis')
  return loaded
}

/** Whether the client threw it, as one of these classes of its own. */
export function isDriverError(error: unknown, ...names: DriverError[]): error is Error {
  return names.some((name) => loaded !== undefined && error instanceof loaded[name])
}
