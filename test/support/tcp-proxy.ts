import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

interface ProxyState {
  isOpen: boolean
  losesAnswers: boolean
  delayMs: number
  target: number
}

/** A TCP proxy before a port of this machine that can be cut off, set before another, and made to delay and to lose answers. */
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
    const state: ProxyState = { isOpen: true, losesAnswers: false, delayMs: 0, target }
    const server = createServer({ allowHalfOpen: true }, (near) => {
      if (!state.isOpen) return near.destroy()
      const far = connect({ port: state.target, host: '127.0.0.1', allowHalfOpen: true })
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
      relay(near, far, state, () => true)
      relay(far, near, state, () => !state.losesAnswers)
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

  /** Resets all connections (RST), with what is on its way. New ones are let through. */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  /** What the port answers gets lost from now on, until it is mended; what it is told arrives. */
  loseAnswers(): void {
    this.#state.losesAnswers = true
  }

  /** Everything takes so long, both ways, until it is mended. */
  delay(ms: number): void {
    this.#state.delayMs = ms
  }

  mend(): void {
    this.#state.isOpen = true
    this.#state.losesAnswers = false
    this.#state.delayMs = 0
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

/** Hands on what comes, in its order, each when its time has come. */
function relay(from: Socket, to: Socket, state: ProxyState, arrives: () => boolean): void {
  let underWay = 0
  let last: Promise<void> = Promise.resolve()
  const later = (hand: () => void) => {
    if (underWay === 0 && state.delayMs === 0) return hand()
    underWay++
    const due = new Promise((resolve) => setTimeout(resolve, state.delayMs))
    last = Promise.all([due, last]).then(() => {
      underWay--
      hand()
    })
  }
  from.on('data', (chunk) => {
    if (!arrives()) return
    later(() => {
      if (to.destroyed || to.write(chunk)) return
      from.pause()
      to.once('drain', () => from.resume())
    })
  })
  from.on('end', () => later(() => to.end()))
}
