import { hash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Documents, type Storage, silentLogger } from '@tradpal/event-system'
import { createTestSystem, FakeClock } from '@tradpal/event-system/testing'
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { monotonicTime } from '../../../../test/support/monotonic-time.ts'
import { API_KEYS, ApiKeys, isSecretOf } from '../../src/access/api-keys.ts'
import { KeyBook } from '../../src/access/key-book.ts'
import { describeOnEachLog } from '../support/each-log.ts'

describeOnEachLog('API keys', ({ open }) => {
  let storage: Storage
  let clock: FakeClock
  let keys: ApiKeys
  let book: KeyBook

  beforeEach(async () => {
    storage = await open()
    clock = new FakeClock(Date.parse('2026-11-26T12:00:00Z'))
    keys = new ApiKeys(new Documents(storage), clock)
    book = new KeyBook({ documents: new Documents(storage), clock, logger: silentLogger })
  })

  test('a key is known by its text, and only a hash of it is kept', async () => {
    const { key, apiKey } = await keys.create({ name: 'ml_service', scopes: ['read:*'], by: 'me' })
    expect(key).toMatch(/^tradpal_[A-Za-z0-9]{12}_[A-Za-z0-9_-]{43}$/)
    expect(await book.find(key)).toEqual(apiKey)
    expect(apiKey).toEqual({
      id: key.slice(8, 20),
      name: 'ml_service',
      scopes: ['read:*'],
      createdAt: clock.now(),
      createdBy: 'me',
      expiresAt: null,
      revokedAt: null
    })
    const documents = await new Documents(storage).all(API_KEYS)
    expect(JSON.stringify(documents)).not.toContain(key.slice(21))
  })

  test('a text that is no key, an unknown key and one with another secret are refused', async () => {
    const { key } = await keys.create({ name: 'ml_service', by: 'me' })
    const other = (await keys.create({ name: 'other', by: 'me' })).key
    await expect(book.find('secret')).rejects.toThrow(/no API key/)
    for (const wrong of [`tradpal_unknownId000_${key.slice(21)}`, key.slice(0, 21) + other.slice(21)]) {
      await expect(book.find(wrong)).rejects.toMatchObject({ code: 'unauthenticated' })
      await expect(book.find(wrong)).rejects.toThrow('This API key is not known here.')
    }
  })

  test('a key ends when it expires, and not before', async () => {
    const { key } = await keys.create({ name: 'a', expiresAt: clock.now() + 1_000, by: 'me' })
    await clock.advance(999)
    await book.find(key)
    await clock.advance(1)
    await expect(book.find(key)).rejects.toThrow(/has expired/)
  })

  test('a key that was revoked elsewhere lets nobody in that comes later', async () => {
    const elsewhere = new ApiKeys(new Documents(storage))
    const { key, apiKey } = await elsewhere.create({ name: 'a', by: 'me' })
    await book.find(key)
    await elsewhere.revoke(apiKey.id)
    await expect(book.find(key)).rejects.toThrow(/was revoked/)
    expect((await elsewhere.list())[0]?.revokedAt).toEqual(expect.any(Number))
  })

  test('who shows a key that was shown before waits for the log when it was asked more than 100 ms ago; behind 50 ms it is asked anew', async () => {
    const { key } = await keys.create({ name: 'a', by: 'me' })
    const goTo = monotonicTime()
    const revision = vi.spyOn(storage.collections, 'revision')
    const asked = () => revision.mock.calls.length
    await book.find(key)
    goTo(50)
    await book.find(key)
    expect(asked()).toBe(1)

    const answer = Promise.withResolvers<number>()
    revision.mockReturnValueOnce(answer.promise)
    goTo(51)
    await book.find(key)
    await vi.waitUntil(() => asked() === 2)
    goTo(100)
    await book.find(key)
    goTo(101)
    const finding = book.find(key)
    expect(await Promise.race([finding, nextTurn('waits')])).toBe('waits')
    answer.resolve(await revisionOf(storage))
    await finding
  })

  test('an answer that took longer than what was asked for holds is asked for again', async () => {
    const elsewhere = new ApiKeys(new Documents(storage))
    const { key, apiKey } = await elsewhere.create({ name: 'a', by: 'me' })
    const goTo = monotonicTime()
    await book.find(key)
    const slow = Promise.withResolvers<number>()
    const before = await revisionOf(storage)
    vi.spyOn(storage.collections, 'revision').mockReturnValueOnce(slow.promise)
    goTo(101)
    const letIn = book.find(key)
    await elsewhere.revoke(apiKey.id)
    goTo(202)
    const refused = book.find(key)
    slow.resolve(before)
    await letIn
    await expect(refused).rejects.toThrow(/was revoked/)
  })

  test('a key that was made just now is known at once', async () => {
    await book.find((await keys.create({ name: 'a', by: 'me' })).key)
    const { key, apiKey } = await keys.create({ name: 'b', by: 'me' })
    expect(await book.find(key)).toMatchObject(apiKey)
  })

  test('a rotated key lives on for the overlap, beside its successor, which may do the same', async () => {
    const old = await keys.create({
      name: 'a',
      scopes: ['replay'],
      sources: ['b'],
      expiresAt: clock.now() + 90_000,
      by: 'me'
    })
    await clock.advance(10_000)
    const fresh = await keys.rotate(old.apiKey.id, { overlapMs: 5_000, by: 'you' })
    expect(fresh.apiKey).toMatchObject({
      name: 'a',
      scopes: ['replay'],
      sources: ['b'],
      createdBy: 'you',
      expiresAt: clock.now() + 90_000
    })
    await clock.advance(4_999)
    await book.find(old.key)
    await clock.advance(1)
    await expect(book.find(old.key)).rejects.toThrow(/has expired/)
    await book.find(fresh.key)
    await expect(keys.rotate(old.apiKey.id, { overlapMs: 1, by: 'me' })).rejects.toThrow(/has ended already/)
  })

  test('a rotation lets no key live longer than it would have', async () => {
    const old = await keys.create({ name: 'a', expiresAt: clock.now() + 1_000, by: 'me' })
    await keys.rotate(old.apiKey.id, { overlapMs: 86_400_000, by: 'me' })
    await clock.advance(1_000)
    await expect(book.find(old.key)).rejects.toThrow(/has expired/)
  })

  test('it is known when a key was last used, to the minute', async () => {
    const { key } = await keys.create({ name: 'a', by: 'me' })
    expect((await keys.list())[0]?.lastUsedAt).toBeNull()
    await book.find(key)
    const first = clock.now()
    await expect.poll(async () => (await keys.list())[0]?.lastUsedAt).toBe(first)
    await clock.advance(59_999)
    await book.find(key)
    await clock.advance(1)
    await book.find(key)
    await expect.poll(async () => (await keys.list())[0]?.lastUsedAt).toBe(first + 60_000)
  })

  test.each([
    [{ name: 'two words' }, /name of a key/],
    [{ name: 'anonymous' }, /not anonymous/],
    [{ name: 'ml_*' }, /no \*/],
    [{ name: 'a', scopes: ['reed:*'] }, /There is no scope "reed:\*"/],
    [{ name: 'a', expiresAt: 1 }, /must expire in the future/],
    [{ name: 'a', expiresAt: Number.NaN }, /must expire in the future/]
  ])('%j is refused, and no key is made', async (wanted, message) => {
    await expect(keys.create({ ...wanted, by: 'me' })).rejects.toThrow(message)
    expect(await keys.list()).toEqual([])
  })

  test('what is not there cannot be rotated or revoked', async () => {
    for (const call of [keys.revoke('none'), keys.rotate('none', { overlapMs: 1, by: 'me' }), keys.get('none')]) {
      await expect(call).rejects.toMatchObject({ code: 'not_found' })
    }
  })
})

test('while the log is away, the keys that were known hold for a quarter of an hour, and no others', async () => {
  const storage = await embeddedLog()
  const clock = new FakeClock(Date.parse('2026-11-26T12:00:00Z'))
  const { key } = await new ApiKeys(new Documents(storage), clock).create({ name: 'a', by: 'me' })
  const away = () => Promise.reject(new Error('away'))
  const { collections } = storage
  let isAway = false
  const unsteady = new Documents({
    commit: (units) => storage.commit(units),
    collections: new Proxy(collections, {
      get: (target, name) => (isAway ? away : Reflect.get(target, name).bind(target))
    })
  })
  const book = new KeyBook({ documents: unsteady, clock, logger: silentLogger })
  const fresh = new KeyBook({ documents: unsteady, clock, logger: silentLogger })
  const goTo = monotonicTime()
  await book.find(key)
  isAway = true
  await clock.advance(900_000)
  goTo(900_000)
  await book.find(key)
  await expect(book.find(key.replace(/.$/, 'x'))).rejects.toMatchObject({ code: 'unauthenticated' })
  await clock.advance(1)
  goTo(900_101)
  await expect(book.find(key)).rejects.toThrow('away')
  await expect(fresh.find(key)).rejects.toThrow('away')
})

test('how long a comparison takes says nothing of a secret: it is of hashes, which have nothing in common where secrets have', async () => {
  const storage = await embeddedLog()
  const keys = new ApiKeys(new Documents(storage))
  const sharedStarts: number[] = []
  for (let i = 0; i < 50; i++) {
    const { key, apiKey } = await keys.create({ name: 'a', by: 'me' })
    const { value } = (await new Documents(storage).get(API_KEYS, apiKey.id)) ?? { value: '' }
    const almost = key.slice(21, -1) + (key.endsWith('A') ? 'B' : 'A')
    expect(isSecretOf(almost, JSON.parse(value))).toBe(false)
    expect(isSecretOf(key.slice(21), JSON.parse(value))).toBe(true)
    sharedStarts.push(sharedStart(hash('sha256', almost, 'base64url'), JSON.parse(value).hash))
  }
  expect(Math.max(...sharedStarts)).toBeLessThan(6)
})

async function embeddedLog(): Promise<Storage> {
  const kit = await createTestSystem()
  onTestFinished(() => kit.close())
  return kit.system.storage
}

function revisionOf(storage: Storage): Promise<number> {
  return storage.collections.revision(API_KEYS)
}

function sharedStart(one: string, other: string): number {
  let length = 0
  while (length < one.length && one[length] === other[length]) length++
  return length
}
