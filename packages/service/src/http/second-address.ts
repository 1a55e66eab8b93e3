import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { App } from './context.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Listens on a second address too, on the port of the first. Call it behind `listen`. Resolves to false where the machine has
     * no such address; rejects when the port is taken there.
     */
    listenAlso(host: string): Promise<boolean>
  }
}

/** What listening fails with where the machine has no such address, or no IPv6 at all. */
const NO_SUCH_ADDRESS: readonly unknown[] = ['EADDRNOTAVAIL', 'EAFNOSUPPORT']

/**
 * Lets an app listen on two addresses. A server of Node has one. The second address only accepts, and passes each connection on to
 * the server of the app: deadlines, bounds and the end of the service hold for it there. `speaksTls`: of the app's server.
 */
export function acceptOnSecondAddress(app: App, { speaksTls }: { speaksTls: boolean }): void {
  // As Node makes its own servers: HTTP answers a client that has said all it has to say.
  const acceptor = createServer({ allowHalfOpen: !speaksTls, noDelay: true })
  const most = app.server.maxConnections
  let [all, passedOn] = [0, 0]
  /** Both together take as many connections as the server alone would. */
  const share = () => {
    app.server.maxConnections = most - passedOn
    acceptor.maxConnections = most - (all - passedOn)
  }
  const count = (socket: Socket) => {
    all += 1
    share()
    socket.once('close', () => {
      all -= 1
      share()
    })
  }
  const passOn = (socket: Socket) => {
    passedOn += 1
    socket.once('close', () => {
      passedOn -= 1
    })
    app.server.emit('connection', socket)
  }
  acceptor.on('connection', passOn).on('drop', (dropped) => app.server.emit('drop', dropped))

  app.decorate('listenAlso', async (host: string) => {
    const { port } = app.server.address() as AddressInfo
    share()
    app.server.on('connection', count)
    acceptor.listen({ host, port })
    try {
      await once(acceptor, 'listening')
      return true
    } catch (error) {
      if (NO_SUCH_ADDRESS.includes((error as NodeJS.ErrnoException).code)) return false
      throw error
    }
  })
  let gone: Promise<unknown> | undefined
  app.addHook('preClose', async () => {
    if (!acceptor.listening) return
    gone = once(acceptor, 'close')
    acceptor.close()
  })
  // The app's server waits only for the connections that it has accepted itself.
  app.addHook('onClose', async () => {
    await gone
  })
}
