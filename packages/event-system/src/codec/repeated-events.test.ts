import { createEvent, type Event, encodeEvent } from '@tradpal/events'
import { expect, test } from 'vitest'
import { plainCodec } from './index.ts'
import { conflictsAmong } from './repeated-events.ts'

const payloadOf = (reason: string, signal: 'BUY' | 'SELL' = 'BUY') =>
  encodeEvent(createEvent('trading_signal', { symbol: 'BTC/USDT', signal, reason }, { eventId: 'id' }))
const repeatOf = (payload: string, messageId = '1-0') => ({
  entry: { eventId: 'id', eventType: 'trading_signal', payload },
  messageId
})

test('a first entry is fetched and decoded once, however many entries of an append repeat it', async () => {
  const first = payloadOf('first')
  const [fetched, decoded]: [string[], string[]] = [[], []]
  const log = {
    async get(messageIds: readonly string[]) {
      fetched.push(...messageIds)
      return messageIds.map((messageId) => ({ messageId, appendedAt: 0, payload: first }))
    }
  }
  const codec = {
    ...plainCodec,
    decode(payload: string): Event {
      decoded.push(payload)
      return plainCodec.decode(payload)
    }
  }
  const repeated = Array.from({ length: 100 }, (_, i) => repeatOf(payloadOf(`other ${i}`)))

  expect(await conflictsAmong(repeated, { storage: { log }, codec })).toEqual(repeated)

  expect(fetched).toEqual(['1-0'])
  expect(decoded.filter((payload) => payload === first)).toHaveLength(1)
})

test('other work has its turn between large first entries', async () => {
  const first = payloadOf('x'.repeat(300_000))
  const log = logOf(() => first)
  const repeated = ['1-0', '2-0', '3-0'].map((messageId) => repeatOf(payloadOf('other'), messageId))
  const order: string[] = []
  const codec = {
    ...plainCodec,
    decode(payload: string): Event {
      if (payload === first) {
        order.push('first entry')
        setImmediate(() => order.push('other work'))
      }
      return plainCodec.decode(payload)
    }
  }

  await conflictsAmong(repeated, { storage: { log }, codec })

  expect(order.slice(0, 5)).toEqual(['first entry', 'other work', 'first entry', 'other work', 'first entry'])
})

test('conflicts come in the order of the entries, also where entries of several first ones are mixed', async () => {
  const log = logOf(payloadOf)
  const repeated = [
    repeatOf(payloadOf('other'), '1-0'),
    repeatOf(payloadOf('2-0'), '2-0'),
    repeatOf(payloadOf('1-0', 'SELL'), '1-0'),
    repeatOf(payloadOf('other'), '2-0'),
    repeatOf(payloadOf('1-0'), '1-0')
  ]

  const conflicts = await conflictsAmong(repeated, { storage: { log }, codec: plainCodec })

  expect(conflicts.map((one) => repeated.indexOf(one))).toEqual([0, 2, 3])
})

/** A log that has every entry. */
function logOf(payloadAt: (messageId: string) => string) {
  return {
    get: async (messageIds: readonly string[]) =>
      messageIds.map((messageId) => ({ messageId, appendedAt: 0, payload: payloadAt(messageId) }))
  }
}
