import { EventSystemError } from '@tradpal/events'

/**
 * What an append that resolved survives. `memory`: what the server itself is configured for. `fsync`: the loss of the
 * server's power, since the event is in its append-only file. `replicas:2`: the loss of the server, since two replicas have it.
 */
export type RedisDurability = 'memory' | 'fsync' | `replicas:${number}`

/** How a write is confirmed: by whom, and how many of them. */
export interface Confirmation {
  readonly by: 'fsync' | 'replicas'
  readonly replicas: number
}

/** Whether a text is one of the durabilities. */
export function isRedisDurability(text: unknown): text is RedisDurability {
  return typeof text === 'string' && /^(memory|fsync|replicas:[1-9]\d?)$/.test(text)
}

/** `undefined` for `memory`, which asks for no confirmation. */
export function confirmationOf(durability: RedisDurability): Confirmation | undefined {
  if (durability === 'memory') return undefined
  const replicas = durability === 'fsync' ? 0 : Number(durability.split(':')[1])
  return { by: durability === 'fsync' ? 'fsync' : 'replicas', replicas }
}

type Send = (command: string[]) => Promise<unknown>

/** Rejects with `unsupported` when a server cannot confirm, and with `log_refused` when it may not. */
export async function mustConfirm({ by }: Confirmation, location: string, send: Send): Promise<void> {
  try {
    await send(by === 'fsync' ? ['WAITAOF', '1', '0', '1'] : ['WAIT', '0', '1'])
  } catch (error) {
    const refuse = (sentence: string) => {
      throw new EventSystemError('unsupported', `${sentence} (${location})`, { cause: error })
    }
    if (/unknown command/i.test(String(error))) {
      refuse(
        'The durability fsync needs Redis 7.2 or later, which has WAITAOF, and this one is older: set memory, with appendfsync always in the configuration of Redis, or replicas:1.'
      )
    }
    if (/appendonly is disabled/.test(String(error))) {
      refuse(
        'The durability fsync needs a Redis that keeps an append-only file: set appendonly yes in its configuration.'
      )
    }
    throw error
  }
}
