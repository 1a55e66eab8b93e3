import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { addEncryptionKey } from '@tradpal/event-system'
import { describe, expect, onTestFinished, test } from 'vitest'
import { runCommand } from './support/command.ts'
import { redisTarget, serviceTarget, sqliteTarget } from './support/targets.ts'

async function newKeys(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tradpal-cli-shred-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'keys.json')
  addEncryptionKey(file, 'a')
  return file
}

describe.each([
  ['an embedded log', sqliteTarget],
  ['a log in Redis', redisTarget]
])('shred, over %s', (kind, open) => {
  test('erases the events of one customer for good, and says where their key may stand still', async () => {
    const target = await open()
    onTestFinished(() => target[Symbol.asyncDispose]())
    const env = { EVENT_ENCRYPTION_KEYS_FILE: await newKeys(), EVENT_ENCRYPTION_SUBJECT: 'data.customer_id' }
    const run = (...args: string[]) => runCommand([...args, ...target.options], { env })
    const publish = (customer: string) =>
      run('publish', 'trading_signal', '--data', `{"symbol": "X", "signal": "BUY", "customer_id": "${customer}"}`)
    await publish('goes')
    await publish('stays')

    const report = await run('shred', 'goes', '--reason', 'They asked for it.')
    expect(report).toMatchObject({ code: 0, stdout: expect.stringMatching(/^the key [\w-]{43} is destroyed/) })
    expect(report.stdout.includes('BGREWRITEAOF')).toBe(kind === 'a log in Redis')
    const { stdout } = await run('events', '--json')
    expect(stdout).toContain('"stays"')
    expect(stdout).not.toContain('"goes"')
    expect(await publish('goes')).toMatchObject({ code: 1, stderr: expect.stringMatching(/was destroyed on 20/) })

    const again = JSON.parse((await run('shred', 'goes', '--reason', 'Once more.', '--json')).stdout)
    expect(again).toMatchObject({ alreadyShredded: true, subjectId: expect.any(String) })
    expect(await run('shred', 'nobody', '--reason', 'A typing error.')).toMatchObject({
      stderr: expect.stringMatching(/No event was ever encrypted/)
    })
  })
})

test('shred is refused without keys, without a reason, and over a service', async () => {
  const target = await serviceTarget()
  onTestFinished(() => target[Symbol.asyncDispose]())
  const because = ['--reason', 'They asked for it.']
  expect(await runCommand(['shred', 'c', ...because, ...target.options])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/--log or --redis/)
  })
  const log = await sqliteTarget()
  onTestFinished(() => log[Symbol.asyncDispose]())
  expect(await runCommand(['shred', 'c', ...because, ...log.options])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/EVENT_ENCRYPTION_KEYS_FILE/)
  })
  expect(await runCommand(['shred', 'c', ...log.options])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/--reason/)
  })
})
