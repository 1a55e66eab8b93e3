import { expect } from 'vitest'
import { DeadLetters, type DeadLettersParts, type NewDeadLetter } from '../../src/dead-letters/index.ts'
import type { Delivery, Storage } from '../../src/log/index.ts'
import { append, signal } from '../support/events.ts'

export const ADA = { by: 'ada' }
const FAILED = {
  message: 'The broker is down.',
  stack: 'Error: The broker is down.\n    at trade (/app/trade.ts:7:1)',
  at: 1
}

/** The dead letters of a log by a clock that the test sets. */
export function deadLettersOf(storage: Storage, parts: Omit<Partial<DeadLettersParts>, 'log'> = {}) {
  const time = { now: 1_767_225_600_000 }
  const clock = { now: () => time.now, sleep: () => Promise.reject(new Error('nobody sleeps here')) }
  return { time, deadLetters: new DeadLetters({ storage, clock, ...parts }) }
}

export function letterOf(group: string, { messageId, payload }: Delivery, parts: Partial<NewDeadLetter> = {}) {
  const letter: NewDeadLetter = {
    messageId,
    group,
    consumer: 'consumer',
    handler: 'trade',
    eventType: 'trading_signal',
    payload,
    amended: false,
    kind: 'exhausted',
    attempts: 3,
    requeues: 0,
    firstError: FAILED,
    lastError: FAILED
  }
  return { ...letter, ...parts }
}

/** The next entry of a new log that a group has, which is made where it is not there. */
export async function handedTo(storage: Storage, group: string): Promise<Delivery> {
  await storage.queue(group).create('start')
  if ((await storage.log.info()).length === 0) await append(storage, signal())
  let [delivery] = await storage.queue(group).read('consumer', { limit: 1, waitMs: 0 })
  if (delivery === undefined) {
    await append(storage, signal())
    ;[delivery] = await storage.queue(group).read('consumer', { limit: 1, waitMs: 0 })
  }
  if (delivery === undefined) throw new Error(`The group ${group} was handed nothing.`)
  return delivery
}

/** Has a group give up on the next entry that it is handed. */
export async function bury(
  storage: Storage,
  deadLetters: DeadLetters,
  group: string,
  parts: Partial<NewDeadLetter> = {}
) {
  const delivery = await handedTo(storage, group)
  const [dead] = await deadLetters.prepare([letterOf(group, delivery, parts)])
  if (dead === undefined) throw new Error('Nothing was prepared.')
  const acknowledge = [{ group, consumer: 'consumer', messageId: delivery.messageId, attempt: delivery.attempt }]
  expect(await storage.commit([{ acknowledge, write: dead.writes }])).toMatchObject([{ kind: 'committed' }])
  return dead.letter
}

export function idsOf(letters: readonly { readonly id: string }[]): string[] {
  return letters.map(({ id }) => id)
}
