import { writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { newFolder } from '../../../../test/support/new-folder.ts'
import { runCommand } from './support/command.ts'
import { serviceTarget, sqliteTarget } from './support/targets.ts'

describe.each([
  ['an embedded log', sqliteTarget],
  ['a service', () => serviceTarget()]
])('API keys, over %s', (_, open) => {
  test('are made and shown once, listed, rotated and revoked', async () => {
    const target = await open()
    onTestFinished(() => target[Symbol.asyncDispose]())
    const run = (...args: string[]) => runCommand(['keys', ...args, ...target.options])
    const wanted = ['--name', 'ml_service', '--scopes', 'publish:trading_signal,read:*', '--expires', '90d']
    const made = await run('create', ...wanted)
    expect(made.stdout).toMatch(/^tradpal_\S{12}_\S{43}\n$/)
    const id = made.stdout.slice(8, 20)
    expect(made.stderr).toMatch(`This is the key ${id} of ml_service. It is shown this once`)

    const rotated = JSON.parse((await run('rotate', id, '--overlap', '12h', '--json')).stdout)
    expect(rotated).toMatchObject({
      key: expect.stringMatching(/^tradpal_/),
      name: 'ml_service',
      scopes: ['publish:trading_signal', 'read:*']
    })
    expect((await run('revoke', id)).stdout).toBe(`${id} of ml_service is revoked\n`)

    const { keys } = JSON.parse((await run('--json')).stdout)
    expect(keys).toMatchObject([
      { id, created_by: expect.any(String), revoked_at: expect.any(String), last_used_at: null },
      { id: rotated.id, revoked_at: null, expires_at: expect.any(String) }
    ])
    const people = (await run('list')).stdout
    expect(people).toMatch(new RegExp(`^${id} +ml_service +publish:trading_signal read:\\* .* revoked +-$`, 'm'))
    expect(people).not.toContain(made.stdout.slice(21).trim())
  })

  test('that are wrong or not there are refused, by exit code', async () => {
    const target = await open()
    onTestFinished(() => target[Symbol.asyncDispose]())
    const run = (...args: string[]) => runCommand(['keys', ...args, ...target.options])
    expect(await run('create', '--name', 'a', '--scopes', 'reed:*')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/There is no scope "reed:\*".*\(invalid_argument\)/)
    })
    expect(await run('create', '--name', 'a', '--expires', 'soon')).toMatchObject({ code: 2 })
    expect(await run('revoke', 'none')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/no API key with the id none/)
    })
    expect(JSON.parse((await run('list', '--json')).stdout)).toEqual({ keys: [] })
  })
})

test('who makes and revokes a key on the log itself is named in it, and in the audit log, which has no key', async () => {
  const target = await sqliteTarget()
  onTestFinished(() => target[Symbol.asyncDispose]())
  const run = (...args: string[]) => runCommand([...args, '--json', ...target.options], { env: { EVENT_AUDIT: 'on' } })
  const made = await run('keys', 'create', '--name', 'a', '--scopes', 'replay')
  const operator = `operator:${userInfo().username}`
  const { id, key, created_by } = JSON.parse(made.stdout)
  expect(created_by).toBe(operator)
  await run('keys', 'revoke', id)
  const { stdout } = await run('audit', 'list')
  expect(JSON.parse(stdout).entries).toMatchObject([
    { action: 'keys.created', outcome: 'begun', principal: operator, what: { name: 'a', scopes: ['replay'] } },
    { action: 'keys.created', outcome: 'done', what: { id } },
    { action: 'keys.revoked', outcome: 'begun', what: { id } },
    { action: 'keys.revoked', outcome: 'done' }
  ])
  expect(stdout).not.toContain(key.slice(21))
})

describe('policy check', () => {
  async function policyFile(text: string): Promise<string> {
    const path = join(await newFolder(), 'policy.json')
    await writeFile(path, text)
    return path
  }
  const text = '{"roles": {"trader": ["publish:order_*"]}, "principals": {"desk_*": {"roles": ["trader"]}}}'

  test('says what a policy allows, and by what; exit code 1 when it does not', async () => {
    const file = await policyFile(text)
    const check = (...args: string[]) => runCommand(['policy', 'check', '--file', file, ...args])
    expect(await check()).toMatchObject({ code: 0, stdout: `${file} is a policy\n` })
    expect(await check('--as', 'desk_1', '--can', 'publish:order_executed')).toMatchObject({
      code: 0,
      stdout: 'yes: desk_* has publish:order_* by the role trader\n'
    })
    expect(await check('--as', 'desk_1', '--can', 'admin:keys')).toMatchObject({
      code: 1,
      stdout: 'no: the policy does not give desk_1 admin:keys; an API key or a token may\n'
    })
    expect(JSON.parse((await check('--as', 'desk_1', '--can', 'publish:order_executed', '--json')).stdout)).toEqual({
      allowed: true,
      scope: 'publish:order_*',
      principal: 'desk_*',
      role: 'trader'
    })
  })

  test('names each mistake, and takes no half a question', async () => {
    const typo = await policyFile('{"principals": {"desk": {"scope": ["read:*"]}}}')
    expect(await runCommand(['policy', 'check', '--file', typo])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/is no policy: \/principals\/desk has "scope", which a policy does not have there/)
    })
    const file = await policyFile(text)
    expect(await runCommand(['policy', 'check', '--file', file, '--as', 'desk'])).toMatchObject({ code: 2 })
    expect(await runCommand(['policy', 'check', '--file', file, '--as', 'desk', '--can', 'fly'])).toMatchObject({
      code: 2
    })
    expect(await runCommand(['policy', 'check'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/--file, or EVENT_POLICY_FILE/)
    })
    expect(await runCommand(['policy', 'check'], { env: { EVENT_POLICY_FILE: file } })).toMatchObject({ code: 0 })
  })
})
