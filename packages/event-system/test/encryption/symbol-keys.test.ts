import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createEvent } from '@tradpal/events'
import { expect, onTestFinished, test } from 'vitest'
import { EventSystem } from '../../src/index.ts'

const keyOf = () => randomBytes(32).toString('base64')

function place() {
  const folder = mkdtempSync(join(tmpdir(), 'keys-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const [logPath, keysFile] = [join(folder, 'events.db'), join(folder, 'keys.json')]
  const ring = (current: string, keys: Record<string, string>) =>
    writeFileSync(keysFile, JSON.stringify({ current, keys }), { mode: 0o600 })
  const open = async (isEncrypted = true) => {
    const system = new EventSystem({ logPath, ...(isEncrypted && { encryption: { keysFile } }) })
    await system.initialize()
    return system
  }
  return { logPath, ring, open }
}

async function publish(system: EventSystem, symbol: string): Promise<void> {
  await system.publishEvent(createEvent('trading_signal', { symbol, signal: 'BUY' }))
}

/** As another program reads the file. */
function keysIn(logPath: string): string[] {
  const database = new DatabaseSync(logPath, { readOnly: true })
  try {
    const rows = database.prepare("SELECT DISTINCT key FROM entries JOIN labels USING (label) WHERE key <> ''").all()
    return rows.map(({ key }) => String(key))
  } finally {
    database.close()
  }
}

async function foundBy(system: EventSystem, symbol: string): Promise<number> {
  // The index finds them: of the other events none is read.
  const [one, byTime] = await Promise.all([
    system.getEvents({ symbol, limit: 1_000 }),
    system.getEvents({ symbol, time: 'event', limit: 1_000 })
  ])
  expect(byTime).toHaveLength(one.length)
  return one.length
}

test('in an encrypted log the key of an event tells no symbol, and one symbol has one key', async () => {
  const { logPath, ring, open } = place()
  ring('a', { a: keyOf() })
  await using system = await open()
  for (const symbol of ['BTC/USDT', 'BTC/USDT', 'ETH/USDT']) await publish(system, symbol)
  const keys = keysIn(logPath)
  expect(keys).toHaveLength(2)
  for (const key of keys) expect(key).toMatch(/^[\w-]{43}$/)
  expect([await foundBy(system, 'BTC/USDT'), await foundBy(system, 'ETH/USDT'), await foundBy(system, 'SOL')]).toEqual([
    2, 1, 0
  ])
})

test('events from before encryption, of an older key and of the newest are found together; after rekeying the old key is needed no more', async () => {
  const { logPath, ring, open } = place()
  const [older, newer] = [keyOf(), keyOf()]
  await using plain = await open(false)
  await publish(plain, 'BTC/USDT')
  ring('a', { a: older })
  await using first = await open()
  await publish(first, 'BTC/USDT')
  ring('b', { a: older, b: newer })
  await using second = await open()
  await publish(second, 'BTC/USDT')
  expect(new Set(keysIn(logPath)).size).toBe(3)
  expect(await foundBy(second, 'BTC/USDT')).toBe(3)

  expect(await second.rekey()).toMatchObject({ rewritten: 1 })
  expect(new Set(keysIn(logPath)).size).toBe(2)
  ring('b', { b: newer })
  await using third = await open()
  expect(await foundBy(third, 'BTC/USDT')).toBe(3)
})
