import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { App } from './http/context.ts'

/** The connections of a server, so that none holds it up when it is to end. */
export class Connections {
  readonly #server: App['server']
  /** By TLS also the sockets behind the handshake, whose bytes are those of requests. By HTTP/2 a session ends with its server. */
  readonly #open = new Set<Socket>()

  constructor(server: App['server']) {
    this.#server = server
    server.on('connection', (socket) => this.#keep(socket))
    server.on('secureConnection', (socket: TLSSocket) => {
      if (socket.alpnProtocol !== 'h2') this.#keep(socket)
    })
  }

  /** Lets go of what is kept alive behind its last answer, and of that on which nothing was ever asked, which for Node is not idle. */
  letIdleGo(): void {
    this.#server.closeIdleConnections()
    for (const socket of this.#open) if (socket.bytesRead === 0) socket.destroy()
  }

  cutOff(): void {
    for (const socket of this.#open) socket.destroy()
  }

  #keep(socket: Socket): void {
    this.#open.add(socket)
    socket.once('close', () => this.#open.delete(socket))
  }
}
