import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../../../../test/support/free-port.ts'
import { runCommand, runProcess, temporaryFolder } from './support/command.ts'
import {
  type CommandTarget,
  publishLines,
  redisTarget,
  serviceProcess,
  serviceTarget,
  sqliteTarget
} from './support/targets.ts'

const TARGETS = { sqlite: sqliteTarget, redis: redisTarget, service: serviceTarget }
const ADVICE = /If it does not run, tradpal-events serve starts it; --log or --redis opens a log without a service\./

describe.each(Object.keys(TARGETS) as (keyof typeof TARGETS)[])('the answers of the command, over %s', (name) => {
  let target: CommandTarget
  beforeAll(async () => {
    target = await TARGETS[name]()
    await publishLines(target, [{ event_type: 'system_health' }])
  }, 60_000)
  afterAll(() => target[Symbol.asyncDispose]())

  test.each<[what: string, args: string[], input: string, code: number, told: RegExp]>([
    [
      'no events on standard input',
      ['publish'],
      '',
      2,
      /^error: Nothing was published: standard input had no events; send one JSON event on each line\. \(invalid_argument\)/
    ],
    ['empty lines alone', ['publish'], '\n\n', 2, /Nothing was published: standard input had no events/],
    [
      'a group that is not there',
      ['groups', 'show', 'nope'],
      '',
      1,
      /^error: There is no consumer group nope; its first consumer makes it\. \(not_found\)/
    ],
    [
      'to move a group that is not there',
      ['groups', 'seek', 'nope', '--to', 'start'],
      '',
      1,
      /There is no consumer group nope; its first consumer makes it\./
    ],
    [
      'to drop a group that is not there',
      ['groups', 'remove', 'nope'],
      '',
      1,
      /There is no consumer group nope; its first consumer makes it\./
    ],
    [
      'a signal that is none',
      ['publish', 'trading_signal', '--data', '{"symbol":"A","signal":"MAYBE"}'],
      '',
      2,
      /data\.signal of a trading_signal must be BUY, SELL or HOLD, got "MAYBE"\./
    ],
    [
      'several faults',
      ['publish', 'trading_signal', '--data', '{"symbol":"","signal":"UP"}'],
      '',
      2,
      /data\.symbol .* data\.signal /
    ],
    [
      'an event type in camelCase',
      ['publish'],
      '{"eventType":"risk_alert"}\n',
      2,
      /standard input, line 1: event_type is missing; "eventType" must be written event_type\./
    ],
    [
      'a lone surrogate',
      ['publish', 'risk_alert', '--data', String.raw`{"message":"\ud800"}`],
      '',
      2,
      /data\.message has a lone surrogate/
    ],
    [
      'data that were forgotten',
      ['publish', 'trading_signal'],
      '',
      2,
      /data\.symbol of a trading_signal is missing .* data\.signal of a trading_signal is missing/
    ],
    ['a misspelt command of a group', ['groups', 'shwo', 'x'], '', 2, /unknown command 'shwo' \(Did you mean show\?\)/],
    [
      'no command of a group',
      ['keys', 'xyzzy'],
      '',
      2,
      /unknown command 'xyzzy'; tradpal-events keys --help lists them/
    ],
    ['too much for a list', ['groups', 'list', 'x'], '', 2, /too many arguments for 'list'/],
    ['one event', ['replay', '--type', 'system_health'], '', 0, /^1 event replayed$/m],
    ['an age in weeks', ['events', '--start', '2w'], '', 0, /^$/],
    ['an age in weeks, of a tail', ['tail', '--from', '2w', '--no-follow'], '', 0, /^$/],
    ['an age in years, to trim by', ['trim', '--max-age', '1y', '--dry-run'], '', 0, /^$/]
  ])('%s', async (_what, args, input, code, told) => {
    const result = await runCommand([...args, ...target.options], { input })

    expect({ code: result.code, stderr: result.stderr }).toEqual({ code, stderr: expect.stringMatching(told) })
  })

  test('what is trimmed is counted in words that fit one', async () => {
    const { stdout } = await runCommand(['trim', '--max-length', '0', '--dry-run', ...target.options])
    expect(stdout).toBe('1 event would be removed\n')
  })
})

test('several faults are a list for machines', async () => {
  const data = '{"symbol":"","signal":"UP"}'
  const { stderr } = await runCommand(['publish', 'trading_signal', '--data', data, '--log', 'a.db', '--json'], {
    cwd: await temporaryFolder()
  })
  expect(JSON.parse(stderr).error).toMatchObject({
    pointer: '/data/symbol',
    errors: [{ pointer: '/data/symbol' }, { pointer: '/data/signal' }]
  })
})

test('a service that does not run is told of with how to start it, by health too', async () => {
  const url = `http://127.0.0.1:${await freePort()}`
  const stats = await runCommand(['stats', '--url', url])
  expect(stats).toMatchObject({ code: 1, stderr: expect.stringMatching(ADVICE) })
  const health = await runCommand(['health', '--url', url, '--json'])
  expect(JSON.parse(health.stdout).reason).toMatch(ADVICE)
})

test('a price beyond 1,050,412.90 is a multiple of 0.01, through the command and over HTTP', {
  timeout: 60_000
}, async () => {
  const file = join(await temporaryFolder(), 'types.json')
  const schema = { type: 'object', properties: { price: { type: 'number', multipleOf: 0.01 } } }
  await writeFile(file, JSON.stringify({ priced: schema }))
  const env = { EVENT_TYPES_FILE: file }
  await using service = await serviceProcess(env)
  await using log = await sqliteTarget()
  const lines = (...prices: string[]) =>
    prices.map((price) => `{"event_type":"priced","data":{"price":${price}}}\n`).join('')
  for (const { options } of [service, log]) {
    const right = lines('1050412.91', '1050413.07', '0.07', '94321.1')
    expect(await runProcess(['publish', ...options], { env, input: right })).toMatchObject({ code: 0, stderr: '' })
    const wrong = await runProcess(['publish', ...options], { env, input: lines('1050412.905') })
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringMatching(/data\.price .*a multiple of 0\.01/) })
  }
})
