import { once } from 'node:events'
import { connect, type IncomingHttpHeaders, type SecureClientSessionOptions } from 'node:http2'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'

export interface Http2Answer {
  readonly status: number | undefined
  readonly type: string | undefined
  readonly text: string
}

/** One session over HTTP/2, for the test that runs. */
export function http2Client(url: string, options: SecureClientSessionOptions) {
  const session = connect(url, options)
  session.on('error', () => {})
  onTestFinished(() => session.destroy())

  async function begin(method: string, path: string, headers: Record<string, string> = {}, body?: string) {
    const json = body === undefined ? {} : { 'content-type': 'application/json' }
    const stream = session.request({ ':method': method, ':path': path, ...json, ...headers })
    stream.end(body)
    const [answer] = (await once(stream, 'response')) as [IncomingHttpHeaders]
    return { stream, answer }
  }

  return {
    session,
    async ask(
      method: string,
      path: string,
      { headers = {}, body }: { headers?: Record<string, string>; body?: string } = {}
    ): Promise<Http2Answer> {
      const { stream, answer } = await begin(method, path, headers, body)
      const { ':status': status, 'content-type': type } = answer as IncomingHttpHeaders & { ':status'?: number }
      return { status, type, text: await text(stream) }
    },
    /** An answer that lasts. */
    async open(path: string, headers: Record<string, string> = {}) {
      const { stream } = await begin('GET', path, headers)
      let received = ''
      stream.setEncoding('utf8').on('data', (chunk) => {
        received += chunk
      })
      const ended = new Promise<'end' | 'error'>((resolve) => {
        stream.once('end', () => resolve('end')).once('error', () => resolve('error'))
      })
      return { text: () => received, ended, close: () => stream.close() }
    }
  }
}
