import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import type { Event } from '@tradpal/event-system'
import { freePort } from '../test/support/free-port.ts'
import { byCallers, type Contender, type SharedWork } from './contenders.ts'
import { rawEntryOf } from './logs.ts'

const SUBJECT = 'bench'

/**
 * Callers that publish to NATS JetStream, kept in a file, with the event id as `Nats-Msg-Id`: JetStream drops an id that comes
 * again within two minutes. Needs `nats-server` (the Debian package of that name) in the PATH.
 */
export async function publishToJetStream(callers: Pick<SharedWork<Event>, 'callers' | 'made'>): Promise<Contender> {
  const folder = await mkdtemp(join(tmpdir(), 'tradpal-nats-'))
  const port = await freePort()
  const server = spawn('nats-server', ['-js', '-sd', folder, '-a', '127.0.0.1', '-p', String(port)], {
    stdio: 'ignore'
  })
  await once(server, 'spawn')
  const connection = await connect({
    port,
    waitOnFirstConnect: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50
  })
  const manager = await jetstreamManager(connection)
  await manager.streams.add({ name: SUBJECT, subjects: [SUBJECT], storage: 'file' })
  const stream = jetstream(connection)
  return byCallers({
    ...callers,
    act(event) {
      const { eventId, payload } = rawEntryOf(event)
      return stream.publish(SUBJECT, payload, { msgID: eventId })
    },
    async close() {
      await connection.close()
      server.kill()
      await once(server, 'exit')
      await rm(folder, { recursive: true, force: true })
    }
  })
}
