import { type Client, newClient, type Server } from './driver.ts'

/** Asks a server something on a connection that is only for that, and takes at most `timeoutMs`. */
export async function questioning<Answer>(
  server: Server,
  timeoutMs: number,
  ask: (client: Client) => Promise<Answer>
): Promise<Answer> {
  const client = await newClient(server, timeoutMs)
  client.on('error', () => {}) // What fails, rejects.
  const timer = setTimeout(() => client.destroy(), timeoutMs)
  try {
    await client.connect()
    return await ask(client)
  } finally {
    clearTimeout(timer)
    if (client.isOpen) client.destroy()
  }
}
