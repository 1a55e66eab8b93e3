import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { jsonLines, runCommand, runProcess, temporaryFolder } from './support/command.ts'
import { type CommandTarget, publishLines, redisTarget, serviceTarget, sqliteTarget } from './support/targets.ts'

const LAST_WEEK = ['--start', '2026-11-16', '--end', '2026-11-20T23:59:59.999Z']
const HINT = 'the log took no such event in this time, but some happened in it: --time event finds them\n'

/** Prices of last week that are published today, and not in the order of their times. */
const IMPORTED = [
  ['2026-11-17T09:00:01.5Z', 'A', 3],
  ['2026-11-17T09:00:00Z', 'A', 1],
  ['2026-11-17T09:00:01Z', 'B', 2]
].map(([timestamp, symbol, price]) => ({ event_type: 'market_data_update', timestamp, data: { symbol, price } }))

const pricesOf = (stdout: string) => jsonLines(stdout).map(({ data }) => (data as { price: number }).price)

describe.each([
  ['an embedded log', sqliteTarget],
  ['a service', () => serviceTarget()]
])('--time event, over %s', (_, open) => {
  let target: CommandTarget
  const run = (...args: string[]) => runCommand([...args, ...target.options])

  beforeAll(async () => {
    target = await open()
    await publishLines(target, IMPORTED)
  })
  afterAll(() => target?.[Symbol.asyncDispose]())

  test.each([
    ['events', [...LAST_WEEK]],
    ['events, of a log that has more than a page', [...LAST_WEEK, '--limit', '5000']],
    ['replay', [...LAST_WEEK]],
    ['replay, at a speed', [...LAST_WEEK, '--speed', '100']],
    ['export', [...LAST_WEEK]],
    ['tail', ['--from', '2026-11-16', '--no-follow']],
    ['tail, from the start', ['--from', 'start', '--no-follow']],
    ['tail, with the newest', ['-n', '3', '--no-follow']]
  ])('%s shows what happened then, in that order', async (command, args) => {
    const [name = ''] = command.split(',')
    const { code, stdout } = await run(name, ...args, '--time', 'event', '--json')
    expect(code).toBe(0)
    expect(pricesOf(stdout)).toEqual([1, 2, 3])
  })

  test('filters go with it, and the newest are those that happened last', async () => {
    const ofOne = await run('events', ...LAST_WEEK, '--time', 'event', '--symbol', 'A', '--json')
    expect(pricesOf(ofOne.stdout)).toEqual([1, 3])
    const both = ['--symbol', 'A', '--symbol', 'B']
    expect(pricesOf((await run('events', ...both, '--time', 'event', '--json')).stdout)).toEqual([1, 2, 3])
    expect(pricesOf((await run('events', '--limit', '2', '--time', 'event', '--json')).stdout)).toEqual([2, 3])
    expect(pricesOf((await run('tail', '-n', '2', '--no-follow', '--time', 'event', '--json')).stdout)).toEqual([2, 3])
    expect((await run('replay', ...LAST_WEEK, '--time', 'event', '--count')).stdout).toBe('3\n')
  })

  test('an export goes to a file in that order', async () => {
    const file = join(await temporaryFolder(), 'week.ndjson.gz')
    const { code, stderr } = await run('export', ...LAST_WEEK, '--time', 'event', '-o', file)
    expect({ code, stderr }).toEqual({ code: 0, stderr: `3 events exported to ${file}\n` })
    expect(pricesOf(gunzipSync(await readFile(file)).toString())).toEqual([1, 2, 3])
  })

  test.each([
    ['events', LAST_WEEK, '', 'no events\n'],
    ['replay', LAST_WEEK, '', '0 events replayed\n'],
    ['replay', [...LAST_WEEK, '--count'], '0\n', ''],
    ['export', LAST_WEEK, '', ''],
    ['events', ['--end', '2026-11-20', '--symbol', 'A'], '', 'no events\n']
  ])('%s %j says on standard error that such events happened then', async (name, args, stdout, before) => {
    expect(await run(name, ...args)).toEqual({ code: 0, stdout, stderr: `${before}${HINT}` })
  })

  test('a tail of the past says so too', async () => {
    await using ahead = await open()
    await publishLines(ahead, [{ ...IMPORTED[0], timestamp: '2150-01-01T00:00:00Z' }])
    const tail = ['tail', '--from', '2140-01-01', '--no-follow', ...ahead.options]
    expect(await runCommand(tail)).toEqual({ code: 0, stdout: '', stderr: HINT })
  })

  test.each([
    ['events', [...LAST_WEEK, '--symbol', 'C'], '', 'no events\n'],
    ['replay', ['--start', '2100-01-01', '--count'], '0\n', ''],
    ['tail', ['--from', '2100-01-01', '--no-follow'], '', '']
  ])('%s %j says nothing where none did', async (name, args, stdout, stderr) => {
    expect(await run(name, ...args)).toEqual({ code: 0, stdout, stderr })
  })

  test('nothing is said to machines, nor beside events', async () => {
    expect(await run('events', ...LAST_WEEK, '--json')).toEqual({ code: 0, stdout: '', stderr: '' })
    expect((await run('events', '--end', '2100-01-01')).stderr).toBe('')
  })

  test('an export of nothing to a file says so too', async () => {
    const file = join(await temporaryFolder(), 'none.ndjson')
    expect(await run('export', ...LAST_WEEK, '-o', file)).toEqual({
      code: 0,
      stdout: '',
      stderr: `0 events exported to ${file}\n${HINT}`
    })
    expect(await readFile(file, 'utf8')).toBe('')
  })

  test('what is to come has no such order, and another time is refused', async () => {
    expect(await run('tail', '--time', 'event')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/give --time event with --no-follow\. \(invalid_options\)/)
    })
    const another = await run('events', '--time', 'publisher')
    expect(another).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('log, event') })
    const withKey = await run('events', '--stream-key', 'account-7', '--time', 'event')
    expect(withKey).toMatchObject({ code: 2, stderr: expect.stringContaining('--time') })
  })
})

test('a process of the command keeps the pace of the event times, and writes its line to standard error', async () => {
  await using target = await sqliteTarget()
  await publishLines(target, IMPORTED)
  const begun = performance.now()
  const replay = await runProcess([
    'replay',
    ...LAST_WEEK,
    '--time',
    'event',
    '--speed',
    '1',
    '--json',
    ...target.options
  ])
  expect(performance.now() - begun).toBeGreaterThan(1_450)
  expect(replay).toMatchObject({ code: 0, stderr: '' })
  expect(pricesOf(replay.stdout)).toEqual([1, 2, 3])
  const none = await runProcess(['export', ...LAST_WEEK, ...target.options])
  expect(none).toMatchObject({ code: 0, stdout: '', stderr: HINT })
})

test('over a log without an index it is refused with the setting that it takes, and nothing is said of what happened', async () => {
  await using target = await redisTarget()
  await publishLines(target, IMPORTED)
  const refused = await runCommand(['events', '--time', 'event', ...target.options])
  expect(refused).toMatchObject({ stdout: '', stderr: expect.stringMatching(/EVENT_INDEX=on.*\(unsupported\)/) })
  expect(refused.code).not.toBe(0)
  const none = await runCommand(['events', ...LAST_WEEK, ...target.options])
  expect(none).toMatchObject({ code: 0, stdout: '', stderr: 'no events\n' })
})
