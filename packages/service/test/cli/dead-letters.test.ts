import { userInfo } from 'node:os'
import { createEvent, type DeadLetter, type EventSystem } from '@tradpal/event-system'
import { waitFor } from '@tradpal/event-system/testing'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { bury, claimRequeued } from '../../../../test/support/bury.ts'
import { runCommand, startProcess } from './support/command.ts'
import { type CommandTarget, serviceTarget, sqliteTarget } from './support/targets.ts'

const SIGNAL = { symbol: 'BTC/USDT', signal: 'BUY' } as const

describe.each([
  ['an embedded log', sqliteTarget],
  ['a service', () => serviceTarget()]
])('dead letters, over %s', (_, open) => {
  /** A log whose group has given up on so many events. */
  async function openLetters(count: number) {
    const target: CommandTarget = await open()
    const system: EventSystem = await target.openSystem()
    await system.publishBatch(Array.from({ length: count }, () => createEvent('trading_signal', SIGNAL)))
    const letters: readonly DeadLetter[] = await bury(system, 'brokers', 'No such account.')
    const run = (...args: string[]) => runCommand(['dead-letters', ...args, ...target.options])
    const close = async () => {
      await system.close()
      await target[Symbol.asyncDispose]()
    }
    return { letters, system, run, id: letters[0]?.id ?? '', close }
  }

  /** One for the test that runs. */
  async function withLetters(count: number) {
    const opened = await openLetters(count)
    onTestFinished(opened.close)
    return opened
  }

  test('are listed by what they are, and shown in full', async () => {
    const { run, letters, id } = await withLetters(2)
    const listed = JSON.parse((await run('--json', '--limit', '1')).stdout)
    const what = { kind: 'rejected', attempts: 1, requeues: 0, amended: false, fingerprint: letters[0]?.fingerprint }
    expect(listed).toMatchObject({ total: 2, dead_letters: [{ id, group: 'brokers', ...what }] })
    const [letter] = listed.dead_letters
    expect(letter.message_id).toBe(letters[0]?.messageId)
    const table = await run('list', '--group', 'brokers', '--type', 'trading_signal', '--handler', 'desk')
    expect(table.stdout).toContain('No such account.')
    expect(table.stderr).toBe('2 of 2\n')
    expect((await run('list', '--kind', 'poison')).stderr).toBe('no dead letters\n')
    expect((await run('list', '--until', '1h')).stderr).toBe('no dead letters\n')

    expect(JSON.parse((await run('show', id, '--json')).stdout)).toEqual(letter)
    const shown = (await run('show', id)).stdout
    expect(shown).toContain('    at desk')
    expect(shown).toMatch(/^requeues +0$/m)
    expect(shown).toMatch(/^amended +false$/m)
    expect(shown).toMatch(new RegExp(`^fingerprint +${letter.fingerprint}$`, 'm'))
    expect(await run('show', 'none')).toMatchObject({ code: 1, stderr: expect.stringContaining('(not_found)') })
  })

  test('are listed by cause, the most frequent first, and put back by cause', async () => {
    const { run, letters, system } = await withLetters(1)
    await system.publishBatch([createEvent('trading_signal', SIGNAL), createEvent('trading_signal', SIGNAL)])
    const [other] = await bury(system, 'brokers', 'The market is closed.')
    await bury(system, 'others')

    const { causes } = JSON.parse((await run('causes', '--group', 'brokers', '--json')).stdout)
    expect(causes).toMatchObject([
      { group: 'brokers', count: 2, fingerprint: other?.fingerprint, oldest: { id: other?.id } },
      { group: 'brokers', count: 1, fingerprint: letters[0]?.fingerprint, oldest: { id: letters[0]?.id } }
    ])
    const { oldest } = causes[0]
    expect(oldest).toEqual(JSON.parse((await run('show', other?.id ?? '', '--json')).stdout))
    const table = (await run('causes')).stdout.trim().split('\n')
    expect(table.map((line) => line.trim().split(/ {2,}/))).toEqual([
      ['COUNT', 'GROUP', 'TYPE', 'KIND', 'SINCE (UTC)', 'ERROR', 'FINGERPRINT'],
      ['3', 'others', 'trading_signal', 'rejected', expect.any(String), 'No.', expect.any(String)],
      expect.arrayContaining([
        '2',
        'brokers',
        oldest.dead_at.slice(0, 19),
        'The market is closed.',
        oldest.fingerprint
      ]),
      expect.arrayContaining(['1', 'brokers', 'No such account.'])
    ])
    expect((await run('causes', '--group', 'nobody')).stderr).toBe('no dead letters\n')

    const ofCause = ['--fingerprint', oldest.fingerprint]
    expect((await run('list', ...ofCause)).stderr).toBe('2 of 2\n')
    expect((await run('requeue', ...ofCause, '--yes')).stdout).toBe('2 of 2 dead letters put back\n')
    expect((await run('list', ...ofCause)).stderr).toBe('no dead letters\n')
    expect(await system.deadLetters.count()).toBe(4)
  })

  test('one is put back, with other data when they are given', async () => {
    const { run, letters, system, id } = await withLetters(2)
    expect(await run('requeue', id)).toMatchObject({ code: 0, stdout: `${id} is back with its group\n` })
    const data = { symbol: 'ETH/USDT', signal: 'SELL' }
    const second = letters[1]?.id ?? ''
    const refused = await run('requeue', second, '--data', '{"symbol": ""}')
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('(invalid_data)') })
    expect((await run('requeue', second, '--data', JSON.stringify(data), '--by', 'ann')).code).toBe(0)

    const deliveries = await claimRequeued(system, 'brokers')
    const events = deliveries.map(({ payload }) => JSON.parse(payload ?? ''))
    expect(events.map((event) => event.data)).toEqual([SIGNAL, data])
    expect(events.map(({ metadata }) => metadata.amended_by)).toEqual([undefined, 'ann'])
    const { actions } = JSON.parse((await run('actions', '--json')).stdout)
    expect(actions).toMatchObject([
      { action: 'requeue', by: userInfo().username, amended: false, letter: { id } },
      { action: 'requeue', by: 'ann', amended: true, letter: { id: second } }
    ])
    expect((await run('actions')).stdout).toContain('requeue, with other data')
  })

  test('those that match are counted, and put back only with --yes', async () => {
    const { run, system } = await withLetters(3)
    const counted = await run('requeue', '--group', 'brokers')
    expect(counted).toMatchObject({ code: 0, stdout: '3 dead letters would be put back; --yes does it\n' })
    expect(await system.deadLetters.count()).toBe(3)

    const moved = await run('requeue', '--group', 'brokers', '--yes')

    expect(moved).toMatchObject({ code: 0, stdout: '3 of 3 dead letters put back\n' })
    expect(moved.stderr).toBe('3 dead letters to put back\n')
    expect(await system.deadLetters.count()).toBe(0)
    expect((await system.storage.queue('brokers').info()).pending).toBe(3)
  })

  test('those whose entries have left the log stay, and are named', async () => {
    const { run, system, id } = await withLetters(1)
    await system.store.trim({ maxLength: 0 }, { force: true })
    const { code, stdout } = await run('requeue', '--all', '--yes', '--json')
    expect({ code, ...JSON.parse(stdout) }).toEqual({
      code: 1,
      matched: 1,
      requeued: 0,
      remaining: 0,
      failed: [{ id, code: 'entry_trimmed' }]
    })
    expect(await system.deadLetters.count()).toBe(1)
  })

  test('one is discarded with a reason', async () => {
    const { run, system, id } = await withLetters(1)
    expect(await run('discard', id)).toMatchObject({ code: 2, stderr: expect.stringContaining('--reason') })
    expect(await run('discard', id, '--reason', 'Cancelled.')).toMatchObject({
      code: 0,
      stdout: `${id} is discarded\n`
    })
    expect(await system.deadLetters.count()).toBe(0)
    expect((await run('actions')).stdout).toContain('Cancelled.')
  })

  describe('a command is refused', () => {
    let opened: Awaited<ReturnType<typeof openLetters>>
    beforeAll(async () => {
      opened = await openLetters(1)
    })
    afterAll(() => opened?.close())

    test.each([
      ['an id and a filter', ['requeue', '1', '--group', 'brokers']],
      ['nothing', ['requeue', '--yes']],
      ['data for many', ['requeue', '--all', '--data', '{}']],
      ['a filter and all', ['requeue', '--all', '--group', 'brokers']],
      ['a kind that there is not', ['list', '--kind', 'dead']]
    ])('that says %s, and nothing is changed', async (_what, args) => {
      const { run, system } = opened
      expect((await run(...args)).code).toBe(2)
      expect(await system.deadLetters.count()).toBe(1)
    })
  })
})

test('an interrupted requeue ends behind the letter in hand, and the same command goes on', async () => {
  const target = await sqliteTarget()
  onTestFinished(() => target[Symbol.asyncDispose]())
  await using system = await target.openSystem()
  const events = Array.from({ length: 10_000 }, () => createEvent('trading_signal', SIGNAL))
  for (let start = 0; start < events.length; start += 1_000)
    await system.publishBatch(events.slice(start, start + 1_000))
  await bury(system, 'brokers')
  const requeue = startProcess(['dead-letters', 'requeue', '--all', '--yes', '--json', ...target.options])
  await waitFor(async () => (await system.deadLetters.count()) < 10_000)
  requeue.child.kill('SIGINT')
  const { code, stdout } = await requeue.result
  const { requeued, remaining } = JSON.parse(stdout)
  expect(code).toBe(130)
  expect(requeued).toBeGreaterThan(0)
  expect(await system.deadLetters.count()).toBe(remaining)

  const rest = await runCommand(['dead-letters', 'requeue', '--all', '--yes', '--json', ...target.options])

  expect(JSON.parse(rest.stdout)).toMatchObject({ requeued: remaining, remaining: 0 })
  expect((await system.storage.queue('brokers').info()).pending).toBe(10_000)
})
