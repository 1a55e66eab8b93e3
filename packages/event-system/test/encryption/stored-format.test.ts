import { createDecipheriv, hkdfSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { AS_STORED, decodeEvent, type Event } from '@tradpal/events'
import { describe, expect, it } from 'vitest'
import { Encryption } from '../../src/codec/index.ts'
import { Documents } from '../../src/log/index.ts'
import { silentLogger } from '../../src/runtime/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'
import { signals } from '../support/events.ts'
import { keyOf, keysFile, replace } from './keys-in-file.ts'
import { customerOf, systemOver } from './systems.ts'

/** Texts that were encrypted by an earlier build, which encrypted events that were published together in bulk. */
const stored: {
  readonly ring: object
  readonly subjectKeys: readonly { readonly id: string; readonly value: string }[]
  readonly payloads: Readonly<Record<string, readonly string[]>>
  readonly text: string
} = JSON.parse(readFileSync(new URL('./stored-texts.json', import.meta.url), 'utf8'))

/** The keys that the stored texts were encrypted with. */
function keysFileOfFixture(): string {
  const path = keysFile('unused')
  replace(path, JSON.stringify(stored.ring))
  return path
}

describeOnEachLog('events that an earlier build encrypted', (under) => {
  for (const [how, payloads] of Object.entries(stored.payloads)) {
    it(`are read: ${how}`, async () => {
      const storage = await under.open()
      for (const { id, value } of stored.subjectKeys) await new Documents(storage).put('subject-keys', id, value)
      const entries = payloads.map((payload) => {
        const { eventId, eventType } = envelopeOf(payload)
        return { eventId, eventType, payload }
      })
      await storage.log.append(entries)
      const system = await systemOver(under, { encryption: { keysFile: keysFileOfFixture(), keyFor: customerOf } })
      const events = await system.getEvents()
      expect(events).toHaveLength(payloads.length)
      for (const { data, metadata, source } of events) {
        const desk = metadata.desk as number
        expect(data).toEqual({ symbol: `ÄPL€${desk}`, signal: 'BUY', confidence: 0.5, customer: 'c-17' })
        expect(source).toBe('desk')
      }
      expect(events.map(({ metadata }) => metadata.desk)).toEqual(payloads.length === 1 ? [0] : [0, 11])
    })
  }
})

describe('a text that an earlier build encrypted', () => {
  it('is read', () => {
    const parts = {
      keysFile: keysFileOfFixture(),
      metadata: false,
      required: false,
      maxEventBytes: 1e6,
      logger: silentLogger
    }
    expect(new Encryption(parts).vault.open(['note', 'g', '1-0'], stored.text)).toBe('a handler failed')
  })
})

describeOnEachLog('events that are published together with encryption', (under) => {
  it('are each AES-256-GCM with an IV of its own, which node:crypto alone opens', async () => {
    const storage = await under.open()
    const system = await systemOver(under, { encryption: { keysFile: keysFile('golden') } })
    const events = signals(100)
    await Promise.all(events.map((event) => system.publishEvent(event)))
    const entries = (await storage.log.read({ limit: 1_000 })).entries
    expect(entries.map(({ payload }) => openedByHand(payload as string))).toEqual(events.map(({ data }) => data))
    expect(new Set(entries.map(({ payload }) => ivOf(payload as string))).size).toBe(100)
  })
})

function envelopeOf(payload: string): Event {
  return decodeEvent(payload, AS_STORED)
}

/** The format of the documentation, written down a second time: what another reader of the log would do. */
function openedByHand(payload: string): unknown {
  const { eventId, eventType, data } = envelopeOf(payload)
  const [kind, keyId, salt = '', box = ''] = (data as { $encrypted: string }).$encrypted.split('.')
  const master = Buffer.from(keyOf(keyId as string), 'base64')
  const key = hkdfSync('sha256', master, Buffer.from(salt, 'base64url'), 'tradpal-events aes-256-gcm', 32)
  const bytes = Buffer.from(box, 'base64url')
  const decipher = createDecipheriv('aes-256-gcm', Buffer.from(key), bytes.subarray(0, 12))
  decipher.setAAD(Buffer.from(`${kind}.${keyId}.${salt}\n${eventId}\n${eventType}`))
  decipher.setAuthTag(bytes.subarray(-16))
  return JSON.parse(decipher.update(bytes.subarray(12, -16)).toString() + decipher.final('utf8'))
}

function ivOf(payload: string): string {
  const { data } = envelopeOf(payload)
  return ((data as { $encrypted: string }).$encrypted.split('.')[3] as string).slice(0, 16)
}
