import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** A connection to a service on which a test writes what it likes. */
export async function connectTo(url: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.on('error', () => {})
  onTestFinished(() => {
    socket.destroy()
  })
  await once(socket, 'connect')
  return socket
}

export interface RawAnswer {
  readonly status: number
  readonly head: string
  readonly body: string
}

/** Sends bytes as they are, and reads what comes until the service closes the connection. */
export async function sendRaw(url: string, bytes: string | Buffer): Promise<RawAnswer[]> {
  const socket = await connectTo(url)
  let text = ''
  socket.setEncoding('latin1')
  socket.on('data', (part) => {
    text += part
  })
  socket.write(bytes)
  if (!socket.destroyed) await once(socket, 'close')
  return answersIn(text)
}

/** The answers in a text, each with what stands before the next. */
export function answersIn(text: string): RawAnswer[] {
  return text
    .split(/(?=HTTP\/1\.1 \d{3} [A-Z])/)
    .filter((answer) => answer !== '')
    .map((answer) => {
      const end = answer.indexOf('\r\n\r\n')
      return { status: Number(answer.slice(9, 12)), head: answer.slice(0, end), body: answer.slice(end + 4) }
    })
}

/** A request whose connection is closed behind the answer. */
export function rawRequest(line: string, headers: readonly string[] = [], body = ''): string {
  return [`${line} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...headers, '', body].join('\r\n')
}
