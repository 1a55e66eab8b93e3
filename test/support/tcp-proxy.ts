import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

interface ProxyState {
  isOpen: boolean
  losesAnswers: boolean
  target: number
}

/** A TCP proxy before a port of this machine that can be cut off, set before another, and made to lose answers. */
export class TcpProxy {
  readonly port: number
  readonly #sockets: Set<Socket>
  readonly #close: () => void
  readonly #state: ProxyState

  private constructor(port: number, sockets: Set<Socket>, state: ProxyState, close: () => void) {
    this.port = port
    this.#sockets = sockets
    this.#state = state
    this.#close = close
  }

  static async before(target: number): Promise<TcpProxy> {
    const sockets = new Set<Socket>()
    const state: ProxyState = { isOpen: true, losesAnswers: false, target }
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
      far.on('data', (answer) => {
        if (state.losesAnswers || near.write(answer)) return
        far.pause()
        near.once('drain', () => far.resume())
      })
      far.on('end', () => near.end())
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

  /** What the port answers gets lost from now on, until it is mended; what it is told arrives. */
  loseAnswers(): void {
    this.#state.losesAnswers = true
  }

  mend(): void {
    this.#state.isOpen = true
    this.#state.losesAnswers = false
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
