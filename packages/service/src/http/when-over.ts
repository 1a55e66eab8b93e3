import type { ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'

/** Calls back once when a response is over, sent or not. When it is over already, it calls back in the next tick. Returns a function that cancels the callback. */
export function whenOver(response: ServerResponse | Http2ServerResponse, callback: () => void): () => void {
  const isOver = 'stream' in response ? response.stream.destroyed : response.destroyed
  if (isOver) process.nextTick(callback)
  else response.once('close', callback)
  return () => response.off('close', callback)
}
