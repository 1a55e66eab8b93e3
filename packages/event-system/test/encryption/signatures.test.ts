import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { createEvent, type Event, encodeEvent } from '@tradpal/events'
import { expect, it, onTestFinished } from 'vitest'
import { EventSystem, type EventSystemOptions } from '../../src/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'
import { append, signal } from '../support/events.ts'
import { systemOptionsFor } from '../support/log-place.ts'
import { keysFile, replace } from './keys-in-file.ts'

const pair = generateKeyPairSync('ed25519', {
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' }
})
const ED25519 = { algorithm: 'ed25519', private_key: pair.privateKey }
const PUBLIC = { algorithm: 'ed25519', public_key: pair.publicKey }
const HMAC = { algorithm: 'hmac-sha-256', secret: randomBytes(32).toString('base64') }

function ringFile(ring: object): string {
  const path = keysFile('a')
  replace(path, JSON.stringify(ring))
  return path
}

describeOnEachLog('a signature', (under) => {
  async function systemWith(options: EventSystemOptions): Promise<EventSystem> {
    const where = systemOptionsFor(under.place)
    const system = new EventSystem({ environment: {}, ...where, ...options })
    await system.initialize()
    onTestFinished(async () => void (await system.close()))
    return system
  }

  const signing = (ring: object, verify: 'off' | 'required' = 'required') => ({
    signing: { keysFile: ringFile(ring), verify }
  })

  it.each([
    ['by Ed25519', ED25519, PUBLIC],
    ['by HMAC-SHA-256', HMAC, HMAC]
  ])(
    '%s is verified by who cannot sign, and tells a real event from one that was slipped in',
    async (_, signer, verifier) => {
      const publisher = await systemWith(signing({ current: 'desk', keys: { desk: signer } }, 'off'))
      await publisher.publishEvent({ ...signal('AAPL', 1), metadata: { b: 1, a: { d: 2, c: 3 } } })
      const [real] = (await publisher.getEvents()) as readonly Event[] as [Event]
      expect(real.metadata.signature).toMatchObject({ key_id: 'desk', algorithm: signer.algorithm })

      const storage = await under.open()
      const forged = [
        signal('AAPL', 2),
        { ...real, eventId: 'copied' },
        {
          ...real,
          eventId: 'other-algorithm',
          metadata: { signature: { key_id: 'desk', algorithm: 'none', value: '' } }
        },
        {
          ...real,
          eventId: 'other-key',
          metadata: { signature: { key_id: '__proto__', algorithm: signer.algorithm, value: '' } }
        },
        { ...signal('AAPL', 3), metadata: { signature: 'right' } }
      ]
      await append(storage, ...forged)

      const system = await systemWith(signing({ keys: { desk: verifier } }))
      expect((await system.getEvents()).map(({ data }) => data)).toEqual([real.data])
      const handled: unknown[] = []
      system.registerHandler('trading_signal', (event) => void handled.push(event.data.price))
      await system.startConsuming({ from: 'start' })
      await waitFor(async () => (await system.deadLetters.count({ kind: 'poison' })) === forged.length)
      expect(handled).toEqual([1])
    }
  )

  it('holds for integers of any size, a name that was sent, and data of an older version', async () => {
    const system = await systemWith(signing({ current: 'desk', keys: { desk: ED25519 } }))
    const at = 1700000000123456789n
    await system.publishEvent(
      createEvent('backtest_complete' as string, { at, list: [-(at ** 3n)], big: 1e18 }, { metadata: { at } })
    )
    await system.publishEvent(createEvent('trading_signal', { symbol: 'X', action: 'BUY' } as never))
    expect(await system.getEvents()).toMatchObject([
      { eventType: 'backtest_completed', data: { at, list: [-(at ** 3n)], big: 1e18 }, metadata: { at } },
      { data: { symbol: 'X', signal: 'BUY' }, valid: true }
    ])
    const storage = await under.open()
    const forged = (await storage.log.read({ limit: 10 })).entries.flatMap(({ payload }) => [
      (payload ?? '').replace('1700000000123456789', '1700000000123456788'),
      (payload ?? '').replace('backtest_complete"', 'backtest_completed"'),
      (payload ?? '').replace('"action":"BUY"', '"signal":"BUY"')
    ])
    const changed = [forged[0], forged[1], forged[5]].map((payload = '') => ({ payload, eventType: 'x' }))
    await storage.log.append(changed.map((entry) => ({ ...entry, eventId: crypto.randomUUID() })))
    expect(await system.getEvents()).toHaveLength(2)
    expect((await storage.log.info()).length).toBe(5)
  })

  it('is inside of what is encrypted, and holds there', async () => {
    const encryption = { keysFile: keysFile('a'), metadata: true }
    const system = await systemWith({ encryption, ...signing({ current: 'desk', keys: { desk: ED25519 } }) })
    await system.publishEvent(signal('AAPL', 1))
    const storage = await under.open()
    expect((await storage.log.read({ limit: 1 })).entries[0]?.payload).not.toContain('signature')
    expect(await system.getEvents()).toHaveLength(1)
    const unsigned = await systemWith({ encryption })
    await unsigned.publishEvent(signal('AAPL', 2))
    expect(await system.getEvents()).toHaveLength(1)
  })
})

it.each([
  ['a current key that can only verify', { current: 'desk', keys: { desk: PUBLIC } }, /can sign/],
  ['a secret that is too short', { keys: { desk: { ...HMAC, secret: 'c2hvcnQ=' } } }, /32 random bytes/],
  ['a key that is none', { keys: { desk: { algorithm: 'ed25519', private_key: 'PEM' } } }, /Ed25519 key in PEM/],
  ['another algorithm', { keys: { desk: { algorithm: 'md5', secret: HMAC.secret } } }, /must be of an algorithm/]
])('signing refuses %s, in a sentence without a key in it', (_, ring, sentence) => {
  const attempt = () => new EventSystem({ environment: { EVENT_SIGNING_KEYS_FILE: ringFile(ring) } })
  expect(attempt).toThrow(
    expect.objectContaining({ code: 'invalid_options', message: expect.stringMatching(sentence) })
  )
  expect(attempt).not.toThrow(HMAC.secret)
})

it('verification is refused without keys', () => {
  expect(() => new EventSystem({ environment: { EVENT_VERIFY_SIGNATURES: 'required' } })).toThrow(
    /EVENT_SIGNING_KEYS_FILE/
  )
  expect(encodeEvent(signal())).not.toContain('signature')
})
