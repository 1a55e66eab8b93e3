import { connect, type Socket } from 'node:net'
import { rate } from './measure.ts'

/**
 * Requests per second over `connections` keep-alive connections, each of which sends its next request when the last is
 * answered. It speaks just enough HTTP/1.1 for that, so that the machine's time goes to the server. A status other than
 * 200 ends the run with an error.
 */
export async function httpRate(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  requests: number,
  connections = 50
): Promise<number> {
  const { hostname, port, pathname } = new URL(url)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const request = Buffer.from(
    `POST ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n${lines.join('')}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  )
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(hostname, Number(port))))
  const perSecond = await rate(requests, () =>
    Promise.all(sockets.map((socket, i) => exchange(socket, request, Math.floor((requests + i) / connections))))
  )
  for (const socket of sockets) socket.destroy()
  return perSecond
}

function open(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true }, () => resolve(socket))
    socket.once('error', reject)
  })
}

function exchange(socket: Socket, request: Buffer, times: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = times
    let buffered = ''
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      buffered += chunk
      const head = buffered.indexOf('\r\n\r\n')
      if (head < 0) return
      const length = /\r\ncontent-length: (\d+)/i.exec(buffered)
      if (length === null || buffered.length < head + 4 + Number(length[1])) return
      if (!buffered.startsWith('HTTP/1.1 200'))
        return reject(new Error(`The server answered: ${buffered.slice(0, 500)}`))
      buffered = ''
      if (--left <= 0) resolve()
      else socket.write(request)
    })
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('The server closed a connection.')))
    socket.write(request)
  })
}
