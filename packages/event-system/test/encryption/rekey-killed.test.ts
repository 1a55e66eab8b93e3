import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { Documents, EventSystem } from '../../src/index.ts'
import { SqliteStorage } from '../../src/log/sqlite/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { signals } from '../support/events.ts'
import { keysFile } from './keys-in-file.ts'
import { customerOf, signalOf } from './systems.ts'

const EVENTS = 20_000
const CUSTOMERS = 100

/** How many entries and keys of customers the new key has encrypted. */
async function anew(storage: SqliteStorage): Promise<number> {
  let count = (await new Documents(storage).all('subject-keys')).filter(({ value }) =>
    value.includes(',key=new,')
  ).length
  let after: string | undefined
  for (;;) {
    const page = (await storage.log.read({ limit: 1_000, from: after === undefined ? 'start' : { after } })).entries
    count += page.filter(({ payload }) => payload?.includes(',key=new,')).length
    after = page.at(-1)?.messageId
    if (page.length < 1_000) return count
  }
}

it('rekey, killed midway and given again, does what is left, and nothing is lost', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tradpal-rekey-killed-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const logPath = join(folder, 'log.db')
  const open = async (file: string) => {
    const encryption = { keysFile: file, keyFor: customerOf }
    const system = new EventSystem({ environment: {}, logPath, encryption })
    await system.initialize()
    onTestFinished(async () => void (await system.close()))
    return system
  }
  const old = await open(keysFile('old'))
  await old.publishBatch(signals(EVENTS))
  await old.publishBatch(Array.from({ length: CUSTOMERS }, (_, i) => signalOf(`customer-${i}`, i)))
  const storage = new SqliteStorage({ path: logPath })
  await storage.start()
  onTestFinished(() => storage.close())

  const both = keysFile('new', 'old')
  const script = fileURLToPath(new URL('./rekeying-child.ts', import.meta.url))
  const child = spawn(process.execPath, ['--conditions=tradpal-source', script, logPath, both], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const gone = once(child, 'exit')
  let said = ''
  child.stdout.on('data', (text) => {
    said += text
  })
  const isUnderWay = async () =>
    (await storage.log.read({ limit: 1 })).entries[0]?.payload?.includes(',key=new,') === true
  await waitFor(isUnderWay)
  child.kill('SIGKILL')
  await gone
  expect(said).toBe('begins\n')
  const before = await anew(storage)
  expect(before).toBeGreaterThan(CUSTOMERS)
  expect(before).toBeLessThan(EVENTS + CUSTOMERS)

  const system = await open(both)
  const { rewritten, rewrapped, needed } = await system.rekey()
  expect(before + rewritten + rewrapped).toBe(EVENTS + CUSTOMERS)
  expect(needed).toMatchObject([{ keyId: 'old', entries: 0, subjectKeys: 0 }])
  const fresh = await open(keysFile('new'))
  expect(await fresh.replayEvents({}, () => {})).toBe(EVENTS + CUSTOMERS)
})
