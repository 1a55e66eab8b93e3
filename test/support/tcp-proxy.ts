import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A TCP proxy before a port of this machine that can be cut off, and set before another. */
export class TcpProxy {
  readonly port: number
  readonly #sockets: Set<Socket>
  readonly #close: () => void
  readonly #state: { isOpen: boolean; target: number }

  private constructor(
    port: number,
    sockets: Set<Socket>,
    state: { isOpen: boolean; target: number },
    close: () => void
  ) {
    this.port = port
    this.#sockets = sockets
    this.#state = state
    this.#close = close
  }

  static async before(target: number): Promise<TcpProxy> {
    const sockets = new Set<Socket>()
    const state = { isOpen: true, target }
    const server = createServer((near) => {
      if (!state.isOpen) return near.destroy()
      const far = connect(state.target, '127.0.0.1')
      for (const socket of [near, far]) {
        sockets.add(socket)
        socket.setNoDelay()
        socket.on('error', () => {})
        socket.once('close', () => {
          sockets.delete(socket)
          near.destroy()
          far.destroy()
        })
      }
      near.pipe(far)
      far.pipe(near)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new TcpProxy((server.address() as AddressInfo).port, sockets, state, () => server.close())
  }

  /** Drops all connections, and new ones until it is mended. */
  cutOff(): void {
    this.#state.isOpen = false
    for (const socket of this.#sockets) socket.destroy()
  }

  mend(): void {
    this.#state.isOpen = true
  }

  /** Drops all connections; new ones go to another port. */
  redirect(target: number): void {
    this.#state.target = target
    this.cutOff()
    this.mend()
  }

  close(): void {
    this.cutOff()
    this.#close()
  }
}
