import { existsSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { bury } from '../../../../test/support/bury.ts'
import { runCommand, temporaryFolder } from './support/command.ts'
import { publishLines, redisTarget, serviceTarget, sqliteTarget } from './support/targets.ts'

const SIGNAL = { event_type: 'trading_signal', data: { symbol: 'BTC/USDT', signal: 'BUY' } }
const ON = { EVENT_AUDIT: 'on' }

describe.each([
  ['an embedded log', sqliteTarget],
  ['a log in Redis', redisTarget],
  ['a service', () => serviceTarget({ EVENT_AUTH: 'off', ...ON })]
])('audit, over %s', (name, open) => {
  const isService = name === 'a service'
  async function withLog() {
    const target = await open()
    onTestFinished(() => target[Symbol.asyncDispose]())
    const run = (args: string[], env: Record<string, string> = ON) => runCommand([...args, ...target.options], { env })
    return { target, run }
  }

  test('what is done from the command line is recorded, shown and verified', async () => {
    const { target, run } = await withLog()
    await publishLines(target, [SIGNAL, SIGNAL])
    const system = await target.openSystem()
    onTestFinished(async () => void (await system.close()))
    const [letter] = await bury(system, 'brokers')
    await run(['groups', 'seek', 'brokers', '--to', 'start', '--force'])
    await run(['dead-letters', 'discard', letter?.id ?? '', '--reason', 'It is old.'])
    await run(['trim', '--max-length', '1', '--force'])
    await run(['groups', 'remove', 'nobody'])

    const { entries } = JSON.parse((await run(['audit', 'list', '--json'])).stdout)
    const done = entries.filter(({ action }: { action: string }) => action !== 'events.published')
    expect(done.map(({ action, outcome }: Record<string, string>) => `${action} ${outcome}`)).toEqual([
      'groups.moved begun',
      'groups.moved done',
      'dead_letters.discarded begun',
      'dead_letters.discarded done',
      'log.trimmed begun',
      'log.trimmed done',
      'groups.removed begun',
      'groups.removed failed'
    ])
    const who = isService ? 'anonymous' : `operator:${userInfo().username}`
    expect(done[1]).toMatchObject({ principal: who, what: { group: 'brokers', to: 'start', force: true } })
    expect(done[5]).toMatchObject({ what: { removed: 1 } })
    const shown = (await run(['audit', '--principal', who, '--action', 'groups.removed'])).stdout
    expect(shown).toMatch(/groups\.removed +failed: not_found +\{.*"nobody"/)

    const head = (await run(['audit', 'head'])).stdout.trim()
    expect(head).toMatch(/^\d+:[0-9a-f]{64}$/)
    expect(await run(['audit', 'verify', '--head', head])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/entries are as they were/)
    })
    const other = head.replace(/.$/, (last) => (last === '0' ? '1' : '0'))
    expect(await run(['audit', 'verify', '--head', other])).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/other_head/)
    })
  })

  test('a file with a head is brought up to date when all is right, and stays as it is when not', async () => {
    const { run } = await withLog()
    const file = join(await temporaryFolder(), 'head')
    const verify = () => run(['audit', 'verify', '--head-file', file])
    const begin = await verify()
    expect(begin).toMatchObject({ code: 1, stderr: expect.stringMatching(/There is no head in .*: begin with/) })

    await run(['groups', 'remove', 'nobody'])
    const first = (await run(['audit', 'head'])).stdout
    await writeFile(file, first)
    await run(['groups', 'remove', 'nobody'])
    expect((await verify()).code).toBe(0)
    const second = await readFile(file, 'utf8')
    expect(second).toBe((await run(['audit', 'head'])).stdout)
    expect(second).not.toBe(first)

    const other = second.replace(/.\n$/, (last) => (last === '0\n' ? '1\n' : '0\n'))
    await writeFile(file, other)
    expect(await verify()).toMatchObject({ code: 1, stdout: expect.stringMatching(/other_head/) })
    expect(await readFile(file, 'utf8')).toBe(other)
    await writeFile(file, 'nothing')
    expect(await verify()).toMatchObject({ code: 2, stderr: expect.stringMatching(/must hold the number of an entry/) })
  })

  test('verify ends with 1 where nothing is recorded, unless that is expected', async () => {
    const { run } = await withLog()
    const { code, stdout, stderr } = await run(['audit', 'verify'])
    expect(code).toBe(1)
    expect(stdout + stderr).toMatch(/The audit log holds no entries\. \(empty\)|There is no audit log at/)
    expect((await run(['audit', 'verify', '--allow-empty'])).code).toBe(0)
  })
})

test('verify neither makes an audit log that was deleted, nor finds it right', async () => {
  await using target = await sqliteTarget()
  const run = (...args: string[]) => runCommand([...args, ...target.options], { env: ON })
  await run('groups', 'remove', 'nobody')
  const head = (await run('audit', 'head')).stdout.trim()
  expect((await run('audit', 'verify')).code).toBe(0)
  const path = `${target.options[1]}.audit.db`
  for (const end of ['', '-wal', '-shm']) await rm(`${path}${end}`, { force: true })

  const removed = /There is no audit log at .*audit\.db.* If one was kept, it was removed/
  expect(await run('audit', 'verify')).toMatchObject({ code: 1, stderr: expect.stringMatching(removed) })
  expect(await run('audit', 'verify', '--head', head, '--allow-empty')).toMatchObject({ code: 1 })
  expect(existsSync(path)).toBe(false)
  await run('groups', 'remove', 'nobody')
  expect(await run('audit', 'verify', '--head', head)).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/other_head/)
  })
})

test('it is recorded where somebody records already, not where nobody does, and not with EVENT_AUDIT=off', async () => {
  await using target = await sqliteTarget()
  const run = (args: string[], env: Record<string, string>) => runCommand([...args, ...target.options], { env })
  const move = (env: Record<string, string>) => run(['groups', 'remove', 'nobody'], env)
  const entries = async () => JSON.parse((await run(['audit', '--json'], {})).stdout).entries.length
  await move({})
  expect(await run(['audit'], {})).toMatchObject({ code: 1, stderr: expect.stringMatching(/not_found/) })
  await move({ EVENT_AUTH: 'required' })
  await move({})
  await move({ EVENT_AUDIT: 'off' })
  expect(await entries()).toBe(4)
  expect(await move({ EVENT_AUDIT: 'yes' })).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^error: EVENT_AUDIT must be off or on, got "yes"\. \(invalid_options\)\n$/)
  })
})
