import { createEvent, Documents } from '@tradpal/event-system'
import { ApiKeys, identityOfKey, KeyBook, parsePolicy, publishedBy } from '@tradpal/event-system/access'
import { createTestSystem } from '@tradpal/event-system/testing'
import { expect, onTestFinished, test } from 'vitest'

async function embedded() {
  const kit = await createTestSystem()
  onTestFinished(() => kit.close())
  const documents = new Documents(kit.system.storage)
  return { system: kit.system, keys: new ApiKeys(documents), book: new KeyBook({ documents }) }
}

test('a program that embeds the library makes a key, finds it by its text and revokes it', async () => {
  const { keys, book } = await embedded()
  const { key, apiKey } = await keys.create({ name: 'ml_service', scopes: ['read:*'], by: 'a test' })

  expect(await book.find(key)).toEqual(apiKey)

  await keys.revoke(apiKey.id)
  await expect(book.find(key)).rejects.toMatchObject({ code: 'unauthenticated' })
})

test('a key and a policy together make a principal, which publishes what its scopes allow and under its own name', async () => {
  const { system, keys, book } = await embedded()
  const policy = parsePolicy('{"principals": {"ml_*": {"scopes": ["publish:trading_signal"]}}}')
  const { key } = await keys.create({ name: 'ml_service', by: 'a test' })
  const principal = policy.principalOf(identityOfKey(await book.find(key)))
  const signal = (source: string) => createEvent('trading_signal', { symbol: 'AAPL', signal: 'BUY' }, { source })
  const alert = createEvent('risk_alert', {})

  await system.publishEvent(publishedBy(principal, signal('')))

  expect(await system.getEvents({})).toMatchObject([{ source: 'ml_service', metadata: { principal: 'ml_service' } }])
  expect(() => publishedBy(principal, alert)).toThrow('ml_service lacks the scope publish:risk_alert')
  expect(() => publishedBy(principal, signal('broker'))).toThrow('and not as "broker"')
})
