import { createDecipheriv, hkdfSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { zstdDecompressSync } from 'node:zlib'
import { AS_STORED, decodeEvent, type Event } from '@tradpal/events'
import { describe, expect, it } from 'vitest'
import { Encryption } from '../../src/codec/index.ts'
import { Documents } from '../../src/log/index.ts'
import { silentLogger } from '../../src/runtime/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'
import { envelopeIn, stagesOf } from '../support/envelope.ts'
import { signals } from '../support/events.ts'
import { keyOf, keysFile, replace } from './keys-in-file.ts'
import { customerOf, systemOver } from './systems.ts'

/** Texts in the documented format, as they were stored once. */
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

describeOnEachLog('events that were stored once', (under) => {
  for (const [how, payloads] of Object.entries(stored.payloads)) {
    it(`are read: ${how}`, async () => {
      const storage = await under.open()
      for (const { id, value } of stored.subjectKeys) await new Documents(storage).put('subject-keys', id, value)
      const entries = payloads.map((payload) => {
        const { eventId, eventType } = labelOf(payload)
        return { eventId, eventType, payload }
      })
      await storage.log.append(entries)
      const system = await systemOver(under, { encryption: { keysFile: keysFileOfFixture(), keyFor: customerOf } })
      const events = await system.getEvents()
      expect(events).toHaveLength(payloads.length)
      for (const { data, metadata, source } of events) {
        const desk = metadata.desk as number
        expect(data).toEqual({ symbol: `ÄPL€${desk}`, signal: 'BUY', customer: 'c-17', reason: 'again '.repeat(50) })
        expect(source).toBe('desk')
      }
      expect(events.map(({ metadata }) => metadata.desk)).toEqual([0, 11])
    })
  }
})

describe('a text that was stored once', () => {
  it('is read', () => {
    const parts = {
      keysFile: keysFileOfFixture(),
      metadata: false,
      required: false,
      logger: silentLogger
    }
    expect(new Encryption(parts).vault.open(['note', 'g', '1-0'], stored.text)).toBe('a handler failed')
  })
})

describeOnEachLog('events that are published with compression and encryption', (under) => {
  it('are each zstd in AES-256-GCM with an IV of its own, which Node alone opens', async () => {
    const storage = await under.open()
    const system = await systemOver(under, { compression: 'zstd', encryption: { keysFile: keysFile('golden') } })
    const events = signals(100).map((event, i) =>
      i % 2 === 0 ? event : { ...event, data: { ...event.data, reason: 'again '.repeat(50) } }
    )
    await Promise.all(events.map((event) => system.publishEvent(event)))
    const entries = (await storage.log.read({ limit: 1_000 })).entries
    expect(entries.map(({ payload }) => openedByHand(payload as string))).toEqual(events.map(({ data }) => data))
    expect(new Set(entries.map(({ payload }) => ivOf(payload as string))).size).toBe(100)
    expect(entries.map(({ payload }) => stagesOf(payload as string))).toEqual(
      events.map((_, i) => (i % 2 === 0 ? ['aes-256-gcm'] : ['zstd', 'aes-256-gcm']))
    )
  })
})

function labelOf(payload: string): Event {
  return decodeEvent(payload, AS_STORED)
}

/** The format of the documentation, written down a second time: what another reader of the log would do. */
function openedByHand(payload: string): unknown {
  const { eventId, eventType, data } = labelOf(payload)
  const [, head = '', content = ''] = /^(.*);(.*)$/.exec(data.$encoded as unknown as string) ?? []
  const [, keyId = '', salt = ''] = /;aes-256-gcm,key=([\w-]+),salt=([\w-]+)$/.exec(head) ?? []
  const master = Buffer.from(keyOf(keyId), 'base64')
  const key = hkdfSync('sha256', master, Buffer.from(salt, 'base64url'), 'tradpal-events aes-256-gcm', 32)
  const bytes = Buffer.from(content, 'base64url')
  const decipher = createDecipheriv('aes-256-gcm', Buffer.from(key), bytes.subarray(0, 12))
  decipher.setAAD(Buffer.from(`${head}\n${eventId}\n${eventType}`))
  decipher.setAuthTag(bytes.subarray(-16))
  const opened = Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()])
  return JSON.parse((head.includes(';zstd;') ? zstdDecompressSync(opened) : opened).toString())
}

function ivOf(payload: string): string | undefined {
  return envelopeIn(payload)?.content.slice(0, 16)
}
