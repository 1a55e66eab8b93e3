import { EventSystemError } from '@tradpal/events'
import { expect, it } from 'vitest'
import { Documents, type Environment, EventSystem } from '../../src/index.ts'
import { SqliteStorage } from '../../src/log/sqlite/index.ts'
import { signal, withFaults } from '../support/events.ts'
import { keysFile } from './keys-in-file.ts'
import { customerOf, signalOf } from './systems.ts'

it.each([
  ['without keys', {}, 'data.customer_id', /EVENT_ENCRYPTION_KEYS_FILE/],
  ['of another part', { keys: true }, 'source', /names into an event, data or metadata first/],
  ['of no name', { keys: true }, 'data', /names into an event/],
  ['of an empty name', { keys: true }, 'data..id', /names into an event/]
])('EVENT_ENCRYPTION_SUBJECT is refused %s', (_, { keys }: { keys?: boolean }, subject, sentence) => {
  const environment: Environment = {
    EVENT_ENCRYPTION_SUBJECT: subject,
    ...(keys && { EVENT_ENCRYPTION_KEYS_FILE: keysFile('a') })
  }
  expect(() => new EventSystem({ environment, storage: new SqliteStorage({ path: 'never-opened.db' }) })).toThrow(
    expect.objectContaining({ code: 'invalid_options', message: expect.stringMatching(sentence) })
  )
})

it('EVENT_ENCRYPTION_SUBJECT finds the customer in an event, be it a number, and in most there is none', async () => {
  const file = keysFile('a')
  const logPath = file.replace('keys.json', 'log.db')
  const environment = { EVENT_ENCRYPTION_KEYS_FILE: file, EVENT_ENCRYPTION_SUBJECT: 'metadata.order.customer' }
  await using system = new EventSystem({ environment, logPath })
  await system.initialize()
  const of = (metadata: object) => ({ ...signal(), metadata: metadata as never })
  await system.publishBatch([
    of({ order: { customer: 17 } }),
    of({ order: { customer: null } }),
    of({ order: 'none' }),
    of({}),
    of({ order: { customer: '17' } })
  ])
  const documents = await new Documents(system.storage).all('subject-keys')
  expect(documents).toHaveLength(1)
  await expect(system.publishEvent(of({ order: { customer: ['17'] } }))).rejects.toMatchObject({ code: 'invalid_data' })
  await system.shred('17', { by: 'op', reason: 'They asked for it.' })
  expect(await system.getEvents()).toHaveLength(3)
})

it('while the log is away, events of customers that a process knows are spooled, and those of others refused', async () => {
  const file = keysFile('a')
  const inFolder = (name: string) => file.replace('keys.json', name)
  const real = new SqliteStorage({ path: inFolder('log.db') })
  let isAway = false
  const orAway = async <Result>(call: () => Promise<Result>): Promise<Result> => {
    if (isAway) throw new EventSystemError('log_unavailable', 'The log is away.')
    return call()
  }
  const collections = new Proxy(real.collections, {
    get:
      (target, name) =>
      (...of: unknown[]) =>
        orAway(() => (Reflect.get(target, name) as (...of: unknown[]) => Promise<unknown>).apply(target, of))
  })
  const storage = withFaults(real, { collections, append: (...of) => orAway(() => real.log.append(...of)) })
  const encryption = { keysFile: file, keyFor: customerOf }
  await using system = new EventSystem({ environment: {}, storage, encryption, spoolPath: inFolder('spool.db') })
  await system.initialize()
  await system.publishEvent(signalOf('known'))
  isAway = true
  expect(await system.publish(signalOf('known'), { timeoutMs: 100 })).toMatchObject({ status: 'spooled' })
  await expect(system.publish(signalOf('new'), { timeoutMs: 100 })).rejects.toMatchObject({ code: 'log_unavailable' })
})
