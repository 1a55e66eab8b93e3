import { createEvent, type EventSystem } from '@tradpal/event-system'
import { waitFor } from '@tradpal/event-system/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { runCommand } from './support/command.ts'
import { serviceTarget, sqliteTarget } from './support/targets.ts'

const signal = () => createEvent('trading_signal', { symbol: 'BTC/USDT', signal: 'BUY' })

describe.each([
  ['an embedded log', sqliteTarget],
  ['a service', () => serviceTarget()]
])('groups, over %s', (_, open) => {
  /** Three events, of which the member `broker-1` of the group `brokers` holds the first. */
  async function withGroup() {
    const target = await open()
    onTestFinished(() => target[Symbol.asyncDispose]())
    const system: EventSystem = await target.openSystem()
    onTestFinished(async () => void (await system.close()))
    const ids = await system.publishBatch([signal(), signal(), signal()])
    const group = system.storage.queue('brokers')
    await group.create('start')
    await group.read('broker-1', { limit: 1, waitMs: 0 })
    const run = (...args: string[]) => runCommand(['groups', ...args, ...target.options])
    return { ids, system, group, run }
  }

  test('are listed with their members, lag and what is pending', async () => {
    const { ids, run } = await withGroup()
    const { groups } = JSON.parse((await run('--json')).stdout)
    expect(groups).toEqual([
      {
        name: 'brokers',
        partitions: null,
        members: [{ name: 'broker-1', pending: 1, idle_ms: expect.any(Number), partitions: [] }],
        lag: 2,
        lag_seconds: expect.any(Number),
        pending: 1,
        retrying: 0,
        oldest_pending_seconds: expect.any(Number),
        last_delivered_id: ids[0],
        pulled: null
      }
    ])
    expect((await run('list')).stdout).toMatch(/^brokers +1 +1 +0 +\d+ m?s +2 +\d+ m?s +\d+-0$/m)
  })

  test.each(['.', '..'])('one that another program called %s is listed, and named by no command', async (name) => {
    const { system, run } = await withGroup()
    await system.storage.queue(name).create('start')
    expect(JSON.parse((await run('--json')).stdout).groups).toMatchObject([{ name }, { name: 'brokers' }])
    for (const command of ['show', 'remove']) {
      expect(await run(command, name)).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(
          /names a group that is called \.\.?: .*the server that keeps the log\. \(invalid_argument\)/
        )
      })
    }
  })

  test('one is shown with what is pending, a page at a time', async () => {
    const { ids, group, run } = await withGroup()
    await group.read('broker-2', { limit: 1, waitMs: 0 })
    const shown = JSON.parse((await run('show', 'brokers', '--json')).stdout)
    expect(shown).toMatchObject({ name: 'brokers', pending: 2 })
    const at = expect.stringMatching(/^2\d{3}-.*\+00:00$/)
    const fresh = { at, idle_ms: expect.any(Number), deliveries: 1, failures: 0, last_error: null, due_at: null }
    expect(shown.pending_events).toEqual([
      { message_id: ids[0], consumer: 'broker-1', ...fresh },
      { message_id: ids[1], consumer: 'broker-2', ...fresh }
    ])
    const behind = await run('show', 'brokers', '--after', ids[0] ?? '', '--limit', '1', '--json')
    expect(JSON.parse(behind.stdout).pending_events).toMatchObject([{ message_id: ids[1] }])
    const people = await run('show', 'brokers', '--limit', '1')
    expect(people.stdout).toMatch(/^broker-2 +1 +\d+ m?s +-$/m)
    expect(people.stdout).toMatch(new RegExp(`^${ids[0]} +2.{18} +broker-1 +\\d+ m?s +1 +0 +-$`, 'm'))
    expect(people.stderr).toBe('1 of 2 pending\n')
    expect(await run('show', 'none')).toMatchObject({ code: 1, stderr: expect.stringContaining('(not_found)') })
  })

  test('one is moved, while members live only with --force', async () => {
    const { ids, group, run } = await withGroup()
    const refused = await run('seek', 'brokers', '--to', 'end')
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('broker-1') })
    expect((await group.info()).lag).toBe(2)

    const moved = await run('seek', 'brokers', '--to', 'end', '--force')
    expect(moved).toEqual({ code: 0, stdout: 'brokers is moved\n', stderr: '' })
    expect((await group.info()).lag).toBe(0)

    await run('seek', 'brokers', '--to', ids[0] ?? '', '--force')
    expect(await group.info()).toMatchObject({ lag: 2, pending: 1 })
    await run('seek', 'brokers', '--to', '1h', '--force')
    expect((await group.info()).lag).toBe(3)
    for (const place of ['tomorrow', '2999-01-01']) {
      expect(await run('seek', 'brokers', '--to', place, '--force')).toMatchObject({ code: 2, stdout: '' })
    }
    expect((await group.info()).lag).toBe(3)
  })

  test('one is dropped, with what is pending only with --force', async () => {
    const { system, run } = await withGroup()
    expect(await run('remove', 'brokers')).toMatchObject({ code: 1, stderr: expect.stringContaining('group_conflict') })
    expect(await system.groups.list()).toHaveLength(1)

    expect(await run('remove', 'brokers', '--force')).toEqual({
      code: 0,
      stdout: 'brokers is removed\n',
      stderr: ''
    })

    expect(await system.groups.list()).toEqual([])
    expect(await run()).toEqual({ code: 0, stdout: '', stderr: 'no consumer groups\n' })
    expect(await run('remove', 'brokers')).toMatchObject({ code: 1, stderr: expect.stringContaining('(not_found)') })
  })

  test('one is set to other event types and attempts, and shows them', async () => {
    const { system, run } = await withGroup()
    expect(await run('set-types', 'brokers', 'trading_signal', 'risk_alert', '--max-attempts', '3')).toEqual({
      code: 0,
      stdout: 'brokers is pulled with risk_alert, trading_signal; after 3 failures an event is a dead letter\n',
      stderr: ''
    })
    const eventTypes = ['trading_signal', 'risk_alert']
    expect(await system.puller.pull({ group: 'brokers', eventTypes, maxAttempts: 3 })).toHaveLength(2)
    expect((await run('show', 'brokers')).stdout).toMatch(/^pulled +risk_alert, trading_signal; after 3 failures/m)
    const changed = await run('set-types', 'brokers', '*', '--json')
    expect(JSON.parse(changed.stdout)).toEqual({
      status: 'changed',
      group: 'brokers',
      pulled: { event_types: null, max_attempts: 3 }
    })
    expect((await system.groups.get('brokers')).pulled).toEqual({ eventTypes: null, maxAttempts: 3 })
    expect(await run('set-types', 'brokers')).toMatchObject({ code: 2, stderr: expect.stringContaining('Nothing') })
    expect(await run('set-types', 'brokers', 'nope')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('(unknown_event_type)')
    })
    expect(await run('set-types', 'none', '*')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('(not_found)')
    })
  })

  test('have the key of their delivery ids rotated: once it settles what was delivered before, twice not', async () => {
    const { system, run } = await withGroup()
    const pulled = await system.puller.pull({ group: 'brokers' })
    const [first = '', second = ''] = pulled.map(({ deliveryId }) => deliveryId)
    const rotated = { code: 0, stdout: 'another key signs the ids of deliveries\n', stderr: '' }
    expect(await run('rotate-key')).toEqual(rotated)
    expect(await system.puller.acknowledge('brokers', [first])).toEqual([])
    expect(JSON.parse((await run('rotate-key', '--json')).stdout)).toEqual({ status: 'rotated' })
    await waitFor(() =>
      system.puller.extend('brokers', [second]).then(
        () => false,
        ({ code }) => code === 'forbidden'
      )
    )
  })
})
