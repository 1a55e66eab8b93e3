import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { Server } from 'node:net'
import { join } from 'node:path'
import { createEvent } from '@tradpal/event-system'
import { afterEach, expect, test, vi } from 'vitest'
import { jsonLines, runCommand, runHere, temporaryFolder } from './support/command.ts'
import { sqliteTarget } from './support/targets.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

test('credentials, a policy and limits in the environment are those of a service: its operator may do everything', async () => {
  const folder = await temporaryFolder()
  const policy = join(folder, 'policy.json')
  await writeFile(policy, '{"principals": {}}')
  const env = {
    EVENT_AUTH: 'required',
    EVENT_POLICY_FILE: policy,
    EVENT_AUDIT: 'off',
    EVENT_LIMIT_REQUESTS_PER_SECOND: '1',
    EVENT_LIMIT_PUBLISH_EVENTS_PER_SECOND: '1',
    EVENT_MAX_BODY_BYTES: '10',
    EVENT_MAX_REPLAYS: '1',
    EVENT_SERVICE_PORT: 'no port'
  }
  await using target = await sqliteTarget()
  const run = (args: string[], input = '') => runCommand([...args, ...target.options], { env, input })
  const lines = Array.from({ length: 1_200 }, (_, price) => {
    return `{"event_type":"market_data_update","source":"desk","data":{"symbol":"X","price":${price}}}\n`
  })
  expect(await run(['publish'], lines.join(''))).toMatchObject({ code: 0, stderr: '' })
  const shown = await run(['events', '--limit', '1200', '--json'])
  expect(jsonLines(shown.stdout)).toHaveLength(1_200)
  expect(jsonLines(shown.stdout)[0]).toMatchObject({ source: 'desk', metadata: {} })
  expect(jsonLines((await run(['export'])).stdout)).toHaveLength(1_200)
  expect(await run(['keys', 'create', '--name', 'ops', '--scopes', '*'])).toMatchObject({ code: 0 })
  expect(await run(['trim', '--max-length', '1'])).toMatchObject({ code: 0, stdout: '1199 events removed\n' })
})

test('a command that opens a log listens nowhere', async () => {
  const listen = vi.spyOn(Server.prototype, 'listen')
  await using target = await sqliteTarget()
  await runCommand(['publish', 'risk_alert', ...target.options])
  const tail = runHere(['tail', '--from', 'start', '--json', ...target.options])
  await vi.waitFor(() => expect(jsonLines(tail.stdout())).toHaveLength(1))
  tail.interrupt()
  expect((await tail.result).code).toBe(130)
  expect(listen).not.toHaveBeenCalled()
  // The spy sees a server that listens.
  const server = new Server().listen(0)
  await once(server, 'listening')
  server.close()
  expect(listen).toHaveBeenCalledOnce()
})

test('nothing is done that cannot be recorded, and reading goes on', async () => {
  await using target = await sqliteTarget()
  await using system = await target.openSystem()
  await system.publishEvent(createEvent('risk_alert'))
  await writeFile(`${target.options[1]}.audit.db`, 'notes, and no database')
  const run = (...args: string[]) => runCommand([...args, ...target.options], { env: { EVENT_AUDIT: 'on' } })
  for (const act of [['trim', '--max-length', '0'], ['keys', 'create', '--name', 'a'], ['rekey']]) {
    expect(await run(...act)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(
        /The audit log at .* cannot be opened, and nothing is done unrecorded: .*\(audit_unavailable\)/
      )
    })
  }
  expect(JSON.parse((await run('keys', '--json')).stdout)).toEqual({ keys: [] })
  expect(jsonLines((await run('events', '--json')).stdout)).toHaveLength(1)
  expect(jsonLines((await run('export')).stdout)).toHaveLength(1)
})

test('what an operator publishes and reads is not recorded', async () => {
  await using target = await sqliteTarget()
  const run = (...args: string[]) => runCommand([...args, ...target.options], { env: { EVENT_AUDIT: 'on' } })
  await run('publish', 'risk_alert')
  for (const read of ['events', 'replay', 'export', 'stats', 'health']) expect((await run(read)).code).toBe(0)
  await run('trim', '--max-length', '0')
  const { entries } = JSON.parse((await run('audit', '--json')).stdout)
  expect(entries).toMatchObject([
    { action: 'log.trimmed', outcome: 'begun', proof: 'operating system', what: { max_length: 0 } },
    { action: 'log.trimmed', outcome: 'done', what: { removed: 1 } }
  ])
  expect(entries[0]).not.toHaveProperty('address')
})

test('a list of events is of any length', async () => {
  await using target = await sqliteTarget()
  await using system = await target.openSystem()
  for (let i = 0; i < 3; i++) await system.publishBatch(Array.from({ length: 500 }, () => createEvent('risk_alert')))
  for (const list of [
    ['events', '--limit', '1400'],
    ['events', '--start', '1h', '--limit', '1400'],
    ['tail', '-n', '1400', '--no-follow']
  ]) {
    const { code, stdout } = await runCommand([...list, '--json', ...target.options])
    expect({ list, code, events: jsonLines(stdout).length }).toEqual({ list, code: 0, events: 1_400 })
  }
})

test('the name of a group is as long as a log takes it', async () => {
  await using target = await sqliteTarget()
  const show = (name: string) => runCommand(['groups', 'show', name, ...target.options])
  expect((await show('g'.repeat(900))).stderr).toMatch(/^error: There is no consumer group g{900}; .* \(not_found\)\n$/)
  expect(await show('g'.repeat(3_000))).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('1 to 1,000 characters')
  })
})
