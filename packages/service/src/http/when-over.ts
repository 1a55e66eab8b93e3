import type { ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'

/** Calls back once when a response is over, sent or not; when it is over already, behind the code that runs. Returns what ends the waiting. */
export function whenOver(response: ServerResponse | Http2ServerResponse, callback: () => void): () => void {
  const isOver = 'stream' in response ? response.stream.destroyed : response.destroyed
  if (isOver) process.nextTick(callback)
  else response.once('close', callback)
  return () => response.off('close', callback)
}
