import type { Channel } from 'node:diagnostics_channel'

/** One process may hold several event systems: hears only the messages of one log. Returns what ends that. */
export function listenToLog<Message extends { readonly storage: object }>(
  storage: object,
  channel: Channel,
  take: (message: Message) => void
): () => void {
  const takeOwn = (message: unknown) => {
    if ((message as Message).storage === storage) take(message as Message)
  }
  channel.subscribe(takeOwn)
  return () => channel.unsubscribe(takeOwn)
}
