import { createEvent, EventSystemError, EventType, encodeEvent } from '@tradpal/events'
import { expect, test } from 'vitest'
import { type EventCodec, labelsOf, plainCodec } from '../../src/codec/index.ts'

const entryWith = (payload: string | null) => ({ messageId: '1-0', appendedAt: 1, payload })
const event = createEvent(
  EventType.TRADING_SIGNAL,
  { symbol: 'BTC/USDT', signal: 'BUY' },
  { timestamp: '2026-11-30T12:34:56.789+00:00' }
)
const refusing = (code: 'shredded' | 'key_missing' | 'decryption_failed'): EventCodec => ({
  ...plainCodec,
  decode() {
    throw new EventSystemError(code, 'refused')
  }
})
const label = { eventType: 'trading_signal', eventTime: Date.parse('2026-11-30T12:34:56.789Z') }

test('the label of an entry is the type, the symbol and the time of its event; what is no event has none', async () => {
  const entries = [entryWith(encodeEvent(event)), entryWith('no event'), entryWith(null)]
  expect(await labelsOf(entries, plainCodec)).toEqual([{ ...label, key: 'BTC/USDT' }, undefined, undefined])
})

test('an event whose key was destroyed has no symbol, one that cannot be decrypted is none, and where a key is missing the labels are not known', async () => {
  const entries = [entryWith(encodeEvent(event))]
  expect(await labelsOf(entries, refusing('shredded'))).toEqual([label])
  expect(await labelsOf(entries, refusing('decryption_failed'))).toEqual([undefined])
  await expect(labelsOf(entries, refusing('key_missing'))).rejects.toMatchObject({ code: 'key_missing' })
})

test('labels are read when what decoding takes is there', async () => {
  let isPrepared = false
  const codec: EventCodec = {
    ...plainCodec,
    async prepareDecoding() {
      isPrepared = true
    },
    decode(payload) {
      expect(isPrepared).toBe(true)
      return plainCodec.decode(payload)
    }
  }
  expect(await labelsOf([entryWith(encodeEvent(event))], codec)).toHaveLength(1)
})
