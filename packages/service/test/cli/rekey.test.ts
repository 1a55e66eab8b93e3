import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { addEncryptionKey } from '@tradpal/event-system'
import { describe, expect, onTestFinished, test } from 'vitest'
import { bury } from '../../../../test/support/bury.ts'
import { jsonLines, runCommand } from './support/command.ts'
import { redisTarget, serviceTarget, sqliteTarget } from './support/targets.ts'

async function newKeys(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tradpal-cli-rekey-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'keys.json')
  addEncryptionKey(file, 'old')
  return file
}

describe.each([
  ['an embedded log', sqliteTarget],
  ['a log in Redis', redisTarget]
])('rekey, over %s', (kind, open) => {
  test('encrypts anew what can be, and names the keys that are needed', async () => {
    const target = await open()
    onTestFinished(() => target[Symbol.asyncDispose]())
    const file = await newKeys()
    const env = { EVENT_ENCRYPTION_KEYS_FILE: file }
    const run = (...args: string[]) => runCommand([...args, ...target.options], { env })
    const { stdout } = await run('publish', 'trading_signal', '--data', '{"symbol": "MARK", "signal": "BUY"}')
    const system = await target.openSystem()
    await bury(system, 'brokers')
    await system.close()
    addEncryptionKey(file, 'new')

    const needed = `the key old is needed by 1 event, the newest ${stdout.trim()} of `
    for (const [options, were] of [[['--dry-run'], 'would be'] as const, [[], 'were'] as const]) {
      const report = await run('rekey', ...options)
      const count = kind === 'an embedded log' ? '1 event' : '0 events'
      expect(report).toMatchObject({
        code: 0,
        stdout: expect.stringContaining(
          `${count} ${were} encrypted anew with the key new\n1 dead letter, record of operators or pending event ${were} encrypted anew, too\n`
        )
      })
      expect(report.stdout.includes(needed)).toBe(kind !== 'an embedded log')
      expect(report.stdout).toMatch(/the key old may be needed until 20\d\d-.*Z, by what steps of handlers returned\n$/)
    }
    expect(JSON.parse((await run('rekey', '--json')).stdout)).toMatchObject({
      current: 'new',
      rewritten: 0,
      resealed: 0,
      dryRun: false
    })
    expect((await run('events', '--json')).stdout).toContain('MARK')
  })

  test('says how many events are plain, and which is the newest', async () => {
    const target = await open()
    onTestFinished(() => target[Symbol.asyncDispose]())
    const data = '{"symbol": "AAPL", "signal": "BUY"}'
    const publish = (env = {}) => runCommand(['publish', 'trading_signal', '--data', data, ...target.options], { env })
    const env = { EVENT_ENCRYPTION_KEYS_FILE: await newKeys() }
    const plain = await publish()
    await publish(env)
    const { stdout } = await runCommand(['rekey', '--dry-run', ...target.options], { env })
    expect(stdout).toContain(`1 event is plain, the newest ${plain.stdout.trim()} of `)
    const required = { ...env, EVENT_REQUIRE_ENCRYPTION: 'true' }
    const events = await runCommand(['events', '--json', ...target.options], { env: required })
    expect(jsonLines(events.stdout)).toHaveLength(1)
  })
})

test('rekey is refused without keys, and over a service', async () => {
  const target = await serviceTarget()
  onTestFinished(() => target[Symbol.asyncDispose]())
  expect(await runCommand(['rekey', ...target.options])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/--log or --redis/)
  })
  const log = await sqliteTarget()
  onTestFinished(() => log[Symbol.asyncDispose]())
  expect(await runCommand(['rekey', ...log.options])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/EVENT_ENCRYPTION_KEYS_FILE/)
  })
})
