import { Readable } from 'node:stream'
import type { App } from '../http/context.ts'

/** A `fetch` that hands each request to an app of this process, and streams its answer. Aborting its signal ends the answer at the app, too. */
export function fetchInto(app: App): typeof globalThis.fetch {
  return async (input, { method = 'GET', headers, body, signal } = {}) => {
    signal?.throwIfAborted()
    const { pathname, search } = new URL(String(input))
    const answering = app.inject({
      method: method as 'GET',
      url: `${pathname}${search}`,
      headers: headers as Record<string, string>,
      ...(typeof body === 'string' && { payload: body }),
      payloadAsStream: true
    })
    const answer = await unlessAborted(answering, signal)
    const [response, stream] = [answer.raw.res, answer.stream()]
    // An injected response says nothing of what its reader has not taken yet, for which an answer that lasts waits. And it writes all to a
    // socket besides, which would keep the half of it: this process is faster than that socket.
    Object.defineProperties(response, {
      write: { value: (text: string) => stream.push(text, 'utf8') },
      writableLength: { get: () => stream.readableLength },
      writableNeedDrain: { get: () => stream.readableLength >= stream.readableHighWaterMark }
    })
    signal?.addEventListener('abort', () => response.destroy(), { once: true })
    if (signal?.aborted) response.destroy()
    return new Response(Readable.toWeb(stream) as ReadableStream, {
      status: answer.statusCode,
      headers: Object.entries(answer.headers).map(([name, value]) => [name, String(value)])
    })
  }
}

type Injected = Awaited<ReturnType<App['inject']>>

/** Rejects with the signal's reason when that is aborted first: then the answer ends when it begins. */
async function unlessAborted(
  answering: PromiseLike<Injected>,
  signal: AbortSignal | null | undefined
): Promise<Injected> {
  if (signal == null) return answering
  const aborted = Promise.withResolvers<never>()
  const onAbort = () => {
    aborted.reject(signal.reason)
    Promise.resolve(answering).then(
      ({ raw }) => raw.res.destroy(),
      () => {}
    )
  }
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([answering, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
