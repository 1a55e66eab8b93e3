import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { redisClient } from '../../../../test/support/redis-client.ts'
import { startRedis } from '../../../../test/support/start-redis.ts'
import { Documents, EventSystem, type EventSystemOptions } from '../../src/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { keysFile } from './keys-in-file.ts'
import { customerOf, signalOf } from './systems.ts'

const BECAUSE = { by: 'op', reason: 'They asked for it.' }
const CUSTOMERS = Array.from({ length: 400 }, (_, i) => `customer-${i}`)

async function systemWith(options: EventSystemOptions): Promise<EventSystem> {
  const encryption = { keysFile: keysFile('a'), keyFor: customerOf }
  const system = new EventSystem({ environment: {}, encryption, ...options })
  await system.initialize()
  onTestFinished(async () => void (await system.close()))
  return system
}

/** The wrapped keys of all customers, by their ids. */
async function wrappedKeys({ storage }: EventSystem): Promise<Map<string, string>> {
  const documents = await new Documents(storage).all('subject-keys')
  return new Map(documents.map(({ id, value }) => [id, /[\w-]+(?="})/.exec(value)?.[0] ?? '']))
}

/** Which of some texts stand in the files of a folder, byte for byte. */
async function found(folder: string, texts: readonly string[]): Promise<string[]> {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((file) => file.isFile())
  const bytes = await Promise.all(files.map(({ parentPath, name }) => readFile(join(parentPath, name), 'latin1')))
  return texts.filter((text) => bytes.some((content) => content.includes(text)))
}

it('no file of an embedded log holds a key that was destroyed, be it that others have the log open', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tradpal-shredded-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const system = await systemWith({ logPath: join(folder, 'log.db') })
  const other = await systemWith({ logPath: join(folder, 'log.db') })
  // One after another, so that pages of the file are split again and again.
  for (const customer of CUSTOMERS) await system.publishEvent(signalOf(customer))
  await other.getEvents({ limit: 1_000 })
  const keys = await wrappedKeys(system)
  expect(await found(folder, [...keys.values()])).toHaveLength(CUSTOMERS.length)

  for (const customer of CUSTOMERS.slice(0, 100)) {
    const { subjectId, remains } = await system.shred(customer, BECAUSE)
    expect(remains).toBeNull()
    expect(await found(folder, [keys.get(subjectId) ?? ''])).toEqual([])
  }
  const left = await wrappedKeys(other)
  expect([...left.values()].filter((key) => key.length > 60 && [...keys.values()].includes(key))).toHaveLength(300)
})

it('what Redis saves has no key that was destroyed, and its append-only file none once it is rewritten', async () => {
  const onDisk = { appendonly: 'yes', appendfsync: 'always', rdbcompression: 'no', 'aof-use-rdb-preamble': 'no' }
  const server = await startRedis({ config: onDisk })
  onTestFinished(() => server.stop())
  const client = await redisClient(server.url).connect()
  onTestFinished(() => client.destroy())
  const system = await systemWith({ redisUrl: server.url })
  await system.publishEvent(signalOf('goes'))
  const keys = [...(await wrappedKeys(system)).values()]
  await client.sendCommand(['SAVE'])
  expect(await found(server.dir, keys)).toEqual(keys)

  expect((await system.shred('goes', BECAUSE)).remains).toMatch(/BGREWRITEAOF.*BGSAVE/)
  await client.sendCommand(['SAVE'])
  expect(await readFile(join(server.dir, 'dump.rdb'), 'latin1')).not.toContain(keys[0])
  expect(await found(server.dir, keys)).toEqual(keys)
  await client.sendCommand(['BGREWRITEAOF'])
  await waitFor(async () => /aof_rewrite_in_progress:0/.test(await client.info('persistence')))
  await waitFor(async () => (await found(server.dir, keys)).length === 0)
})
