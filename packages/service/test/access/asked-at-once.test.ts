import { Documents, EventSystem, silentLogger, systemClock } from '@tradpal/event-system'
import { expect, onTestFinished, test, vi } from 'vitest'
import { monotonicTime } from '../../../../test/support/monotonic-time.ts'
import { Access, type Credentials } from '../../src/access/index.ts'
import { readServiceConfiguration } from '../../src/configuration.ts'
import { newLog } from '../http/support/test-service.ts'

/** Whom an access knows by one key, which was shown once. */
async function accessWithKey(failuresPerMinute = 10) {
  const environment = await newLog('sqlite')
  const system = new EventSystem({ environment })
  await system.initialize()
  const access = await Access.open({
    configuration: readServiceConfiguration({ ...environment, EVENT_AUTH: 'required' }).access,
    documents: new Documents(system.storage),
    clock: systemClock,
    logger: silentLogger,
    failuresPerMinute,
    onTooManyFailures: () => {}
  })
  onTestFinished(async () => {
    access.close()
    await system.close()
  })
  const { key, apiKey } = await access.keys.create({ name: 'a', by: 'me' })
  const nameOf = async (shown: Partial<Credentials>) => {
    const none = { apiKey: undefined, authorization: undefined, certificate: undefined, address: '10.0.0.1' }
    return (await access.principalOf({ ...none, ...shown })).name
  }
  const [byKey, byBearer] = [{ apiKey: key }, { authorization: `Bearer ${key}` }]
  expect([await nameOf(byKey), await nameOf(byBearer)]).toEqual(['a', 'a'])
  return {
    nameOf,
    key,
    byKey,
    byBearer,
    collections: system.storage.collections,
    revoke: () => access.keys.revoke(apiKey.id)
  }
}

const refused = { status: 'rejected', reason: expect.objectContaining({ code: 'unauthenticated' }) }

test('those who show the same at the same moment get the same answer, and at the next what holds then', async () => {
  const { nameOf, byBearer, revoke } = await accessWithKey()
  expect(await Promise.all([nameOf(byBearer), nameOf(byBearer), nameOf(byBearer)])).toEqual(['a', 'a', 'a'])
  await revoke()
  const asked = [nameOf(byBearer), nameOf(byBearer)]
  expect(await Promise.allSettled(asked)).toEqual([refused, refused])
})

test('nobody gets an answer that was found before the question', async () => {
  const { nameOf, byBearer, collections, revoke } = await accessWithKey()
  const find = collections.revision.bind(collections)
  const goTo = monotonicTime()
  let answer = () => {}
  vi.spyOn(collections, 'revision').mockImplementationOnce(async (collection) => {
    const revision = await find(collection)
    await new Promise<void>((resolve) => {
      answer = resolve
    })
    return revision
  })
  goTo(1_000)
  const before = nameOf(byBearer)
  await vi.waitFor(() => expect(collections.revision).toHaveBeenCalledOnce())
  await revoke()
  goTo(1_150)
  const behind = nameOf(byBearer)
  answer()
  const [, answered] = await Promise.allSettled([before, behind])
  expect(answered).toEqual(refused)
})

test('the same text in another header is another thing to show', async () => {
  const { nameOf, key, byKey, byBearer } = await accessWithKey()
  const asked = [nameOf(byBearer), nameOf({ apiKey: `Bearer ${key}` }), nameOf(byKey), nameOf({ authorization: key })]
  const right = { status: 'fulfilled', value: 'a' }
  expect(await Promise.allSettled(asked)).toEqual([right, refused, right, refused])
})

test('wrong credentials of the same moment count each', async () => {
  const { nameOf, byBearer } = await accessWithKey(3)
  const wrong = { authorization: 'Bearer wrong' }
  await Promise.allSettled([nameOf(wrong), nameOf(wrong), nameOf(wrong)])
  await expect(nameOf(wrong)).rejects.toMatchObject({ code: 'rate_limited' })
  expect(await nameOf(byBearer)).toBe('a')
})
