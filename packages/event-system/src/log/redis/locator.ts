import type { EventSystemError } from '@tradpal/events'
import type { Client, Server } from './driver.ts'
import { clusterError, isRedirection } from './errors.ts'

/** Finds the server that has a key: where there are several, it may be another one later. */
export interface Locator {
  /** Resolves to the server that has the key now. Rejects with `log_unavailable` when nobody can tell. */
  find(timeoutMs: number): Promise<Server>
  /** Rejects when the server of a new connection is not the one that is meant. */
  check?(client: Client): Promise<void>
  /** Told that the server that was found last could not be used. */
  doubt?(): void
  /** Whether an answer says that another server is meant: this one has done nothing. */
  isElsewhere(error: unknown): boolean
  /** What such an answer means here; `undefined` where its own words say it. */
  explain(error: unknown, location: string): EventSystemError | undefined
}

/** Of a server that is always the same. */
export function fixedLocator(server: Server): Locator {
  return {
    find: async () => server,
    isElsewhere: isRedirection,
    explain: (error, location) => (isRedirection(error) ? clusterError(location, error) : undefined)
  }
}
