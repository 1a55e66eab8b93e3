import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

/** The text in which the last id is looked for: an event is smaller. */
const TAIL = 32_768

export interface StreamReader {
  /** Bytes that it takes in a second, at most. Default: as fast as they come. */
  readonly bytesPerSecond?: number
  onBytes(bytes: number): void
  /** Called when the service ended the stream. The reader then resumes behind the last event that it got. */
  onCutOff(): void
}

/** Reads a live stream until the signal is aborted. Rejects when the service refuses the stream. */
export async function followStream(
  url: string,
  signal: AbortSignal,
  { bytesPerSecond = Number.POSITIVE_INFINITY, onBytes, onCutOff }: StreamReader
): Promise<void> {
  let lastId: string | undefined
  while (!signal.aborted) {
    const response = await open(url, lastId === undefined ? {} : { 'Last-Event-ID': lastId })
    const stop = () => response.destroy()
    signal.addEventListener('abort', stop)
    let text = ''
    try {
      for await (const chunk of response) {
        onBytes(chunk.length)
        text = `${text}${chunk}`.slice(-TAIL)
        lastId = text.match(/(?<=^id: )\S+(?=\n)/gm)?.at(-1) ?? lastId
        if (Number.isFinite(bytesPerSecond)) await sleep((chunk.length / bytesPerSecond) * 1_000)
      }
    } catch {
      // Cut off in the middle of an answer.
    }
    signal.removeEventListener('abort', stop)
    if (!signal.aborted) onCutOff()
  }
}

async function open(url: string, headers: Record<string, string>): Promise<IncomingMessage> {
  const [response] = (await once(get(url, { agent: false, headers }), 'response')) as [IncomingMessage]
  if (response.statusCode !== 200) throw new Error(`${url} answered ${response.statusCode}.`)
  return response
}
