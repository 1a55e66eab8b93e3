import { connect } from 'node:net'
import type { FuzzedRequest } from './requests.ts'

/** Nothing that is asked for here takes long. */
const PATIENCE_MS = 15_000
/** The service waits for the rest of a body for so long before it is told that there is none. */
const UNCERTAIN_MS = 20

/** Sends a request, and resolves to the status of the answer, or to undefined when the connection was closed without one. */
export function statusOf(port: number, { method, target, headers, body }: FuzzedRequest): Promise<number | undefined> {
  const lines = [`${method} ${target} HTTP/1.1`, 'Host: localhost', `Content-Length: ${body.length}`]
  const head = [...lines, ...headers.map(([name, value]) => `${name}: ${value}`), '', ''].join('\r\n')
  const socket = connect(port, '127.0.0.1')
  let text = ''
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      socket.destroy()
      reject(new Error(`No answer in ${PATIENCE_MS} ms.`))
    }, PATIENCE_MS)
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1')
      // An answer that lasts, such as a stream, is not waited for.
      if (/^(?:HTTP\/1\.1 1\d\d .*?\r\n\r\n)*HTTP\/1\.1 [2-5]\d\d .*\r\n\r\n/s.test(text)) socket.destroy()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(late)
      const status = /^(?:HTTP\/1\.1 1\d\d .*?\r\n\r\n)*HTTP\/1\.1 (\d{3}) /s.exec(text)?.[1]
      resolve(status === undefined ? undefined : Number(status))
    })
    socket.write(Buffer.concat([Buffer.from(head, 'latin1'), body]))
    // One whose body is longer by what its headers say has come whole all the same.
    if (headers.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name))) {
      setTimeout(() => socket.end(), UNCERTAIN_MS)
    }
  })
}
