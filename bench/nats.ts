import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { freePort } from '../test/support/free-port.ts'

const SUBJECT = 'bench'

/** What is published: the id by which JetStream knows a duplicate, and what to write as JSON. */
export interface NatsMessage {
  readonly id: string
  readonly wire: object
}

/** Messages a second that NATS JetStream takes from so many concurrent callers, each with its id for deduplication, kept in a file. Needs `nats-server`. */
export async function natsRate(messages: readonly NatsMessage[], callers: number): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'tradpal-nats-'))
  const port = await freePort()
  const server = spawn('nats-server', ['-js', '-sd', folder, '-a', '127.0.0.1', '-p', String(port)], {
    stdio: 'ignore'
  })
  await once(server, 'spawn')
  try {
    const connection = await connect({
      port,
      waitOnFirstConnect: true,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 50
    })
    const rate = await publishAll(connection, messages, callers)
    await connection.close()
    return rate
  } finally {
    server.kill()
    await once(server, 'exit')
    await rm(folder, { recursive: true, force: true })
  }
}

async function publishAll(
  connection: NatsConnection,
  messages: readonly NatsMessage[],
  callers: number
): Promise<number> {
  const manager = await jetstreamManager(connection)
  await manager.streams.add({ name: SUBJECT, subjects: [SUBJECT], storage: 'file' })
  const stream = jetstream(connection)
  let next = 0
  const publish = async () => {
    while (next < messages.length) {
      const { id, wire } = messages[next++] as NatsMessage
      await stream.publish(SUBJECT, JSON.stringify(wire), { msgID: id })
    }
  }
  const started = performance.now()
  await Promise.all(Array.from({ length: callers }, publish))
  return (messages.length / (performance.now() - started)) * 1_000
}
