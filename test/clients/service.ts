import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startService } from '@tradpal/event-service'
import { Documents } from '@tradpal/event-system'
import { ApiKeys } from '@tradpal/event-system/access'

/** What a generated client is checked with. */
export interface Place {
  /** A service that listens on a loopback port. */
  readonly url: string
  readonly key: string
  /** The file of the description that the service gives of itself. */
  readonly description: string
}

const SCOPES = ['publish:*', 'read:*', 'consume:*', 'admin:dead-letters']
const SOURCES = ['python', 'typescript']

/** A service over a log of its own that asks for a key, and a key for it. */
export async function startServiceWithKey() {
  const folder = await mkdtemp(join(tmpdir(), 'clients-'))
  const service = await startService({
    environment: {
      EVENT_SERVICE_HOST: '127.0.0.1',
      EVENT_SERVICE_PORT: '0',
      EVENT_LOG_PATH: join(folder, 'events.db'),
      EVENT_AUTH: 'required',
      LOG_LEVEL: 'error'
    }
  })
  const keys = new ApiKeys(new Documents(service.system.storage))
  const { key } = await keys.create({ name: 'generated', scopes: SCOPES, sources: SOURCES, by: 'a test' })
  return {
    service,
    key,
    async ended() {
      await service.close()
      await rm(folder, { recursive: true, force: true })
    }
  }
}
