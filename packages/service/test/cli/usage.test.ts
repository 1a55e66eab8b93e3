import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../../../test/support/free-port.ts'
import { runCommand, runProcess, startProcess, temporaryFolder } from './support/command.ts'
import { runShell } from './support/shell.ts'
import { type CommandTarget, publishLines, sqliteTarget } from './support/targets.ts'

let target: CommandTarget
beforeAll(async () => {
  target = await sqliteTarget()
  const events = Array.from({ length: 20_000 }, (_, index) => ({
    event_type: 'market_data_update',
    data: { symbol: 'BTC/USDT', price: index }
  }))
  await publishLines(target, events)
})
afterAll(() => target[Symbol.asyncDispose]())

describe('wrong use', () => {
  test.each([
    ['no command', [], /A command is missing/],
    ['an unknown command', ['evnets'], /unknown command 'evnets'/],
    ['an unknown option', ['events', '--bogus'], /unknown option '--bogus'/],
    ['a missing argument', ['import'], /missing required argument 'file'/],
    ['an option of the wrong form', ['events', '--limit', 'many'], /It must be a whole number/],
    ['a time that is none', ['events', '--start', '2026-02-31'], /It must be a time/],
    ['a timeout without a unit', ['stats', '--timeout', '5'], /It must be a duration/],
    [
      '--log beside --redis',
      ['events', '--log', 'a.db', '--redis', 'redis://localhost'],
      /--log and --redis contradict/
    ],
    ['--url beside --log', ['events', '--log', 'a.db', '--url', 'http://localhost'], /--url and --log contradict/],
    ['--stream without --redis', ['events', '--log', 'a.db', '--stream', 's'], /give it with --redis/],
    ['--start beside --after', ['events', '--start', '1h', '--after', '1-0'], /cannot be used with option/],
    [
      '--stream-key beside --type',
      ['events', '--stream-key', 'a', '--type', 'risk_alert'],
      /cannot be used with option/
    ],
    ['--from-version without a key', ['events', '--from-version', '3'], /give it with --stream-key/],
    ['a version that is none', ['events', '--stream-key', 'a', '--from-version', '0'], /whole number of at least 1/],
    ['--from beside --lines', ['tail', '--from', 'start', '-n', '3'], /give one of them/],
    ['an unknown type', ['publish', 'trading_sginal', '--log', 'a.db'], /nearest known ones/],
    ['an address that is none', ['events', '--url', 'localhost'], /must be an http/],
    ['a delimiter that is none', ['import', 'a.csv', '--delimiter', 'ab'], /must be tab or one character/],
    ['a file that is not there', ['import', 'nowhere.ndjson', '--log', 'a.db'], /there is no such file/],
    ['--columns without CSV', ['export', '--columns', 'data.price'], /are of CSV/],
    ['--url with serve', ['serve', '--url', 'http://localhost:1'], /--url is of a service that runs elsewhere/]
  ])('ends with 2 and one line: %s', async (_, args, sentence) => {
    const { code, stdout, stderr } = await runCommand(args, { cwd: await temporaryFolder() })
    expect(stderr).toMatch(sentence)
    expect(stderr).toMatch(/^error: .* \([a-z_]+\)\n$/)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })

  test('is told of the service that EVENT_SERVICE_URL names, when no option names another', async () => {
    const env = { EVENT_SERVICE_URL: `http://127.0.0.1:${await freePort()}` }
    const { code, stderr } = await runCommand(['events'], { env })
    expect(stderr).toContain(env.EVENT_SERVICE_URL)
    expect(code).toBe(1)
    const given = await runCommand(['events', '--url', 'nonsense'], { env })
    expect(given.stderr).toContain('nonsense')
  })

  test('is a JSON object on standard error for machines', async () => {
    const usage = await runCommand(['events', '--bogus', '--json'])
    expect(JSON.parse(usage.stderr)).toEqual({
      error: { code: 'invalid_argument', message: "unknown option '--bogus'", exit_code: 2 }
    })
    const wrong = [
      'publish',
      'trading_signal',
      '--data',
      '{"symbol": "X", "signal": "WAIT"}',
      '--json',
      ...target.options
    ]
    const { stderr } = await runCommand(wrong)
    expect(JSON.parse(stderr)).toEqual({
      error: { code: 'invalid_data', message: expect.any(String), pointer: '/data/signal', exit_code: 2 }
    })
  })

  test('publish stops at the first wrong line, says which, and has published those before', async () => {
    await using own = await sqliteTarget()
    const input =
      '{"event_type": "system_health"}\n{"event_type": "system_health", "data": 1}\n{"event_type": "system_health"}\n'
    const { code, stdout, stderr } = await runCommand(['publish', ...own.options], { input })
    expect(code).toBe(2)
    expect(stdout.trim().split('\n')).toHaveLength(1)
    expect(stderr).toMatch(/^error: standard input, line 2: data .*\(invalid_event\)\n$/)
  })
})

describe('failure', () => {
  test('ends with 1 when there is no log at the path, and makes none', async () => {
    const cwd = await temporaryFolder()
    const { code, stderr } = await runCommand(['events', '--log', 'mistyped.db'], { cwd })
    expect(code).toBe(1)
    expect(stderr).toMatch(/There is no log at .*mistyped\.db.*\(not_found\)/)
    expect(await runCommand(['stats', '--log', 'mistyped.db'], { cwd })).toMatchObject({ code: 1 })
  })

  test('ends with 1 when a file is no log, and leaves it as it was', async () => {
    const path = join(await temporaryFolder(), 'notes.db')
    await writeFile(path, 'notes, and no database')
    const { code, stderr } = await runCommand(['publish', 'system_health', '--log', path])
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('(log_incompatible)') })
    expect(await readFile(path, 'utf8')).toBe('notes, and no database')
  })

  test('ends with 1 when the service or the Redis cannot be reached, and health says so', async () => {
    const nobody = ['--url', 'http://127.0.0.1:1', '--timeout', '500ms']
    expect(await runCommand(['stats', ...nobody])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('(service_unavailable)')
    })
    const health = await runCommand(['health', '--json', ...nobody])
    expect(health.code).toBe(1)
    expect(JSON.parse(health.stdout)).toMatchObject({ status: 'unhealthy', code: 'service_unavailable' })
    const redis = await runCommand(['stats', '--redis', 'redis://127.0.0.1:1', '--timeout', '500ms'])
    expect(redis).toMatchObject({ code: 1, stderr: expect.stringContaining('(log_unavailable)') })
  })

  test('waits for an answer no longer than --timeout', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    onTestFinished(() => {
      silent.closeAllConnections()
      silent.close()
    })
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
    const started = performance.now()
    const { code, stderr } = await runCommand(['stats', '--url', url, '--timeout', '100ms'])
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('(service_timeout)') })
    expect(performance.now() - started).toBeLessThan(8_000)
  })

  test('export leaves neither a file nor a part of one when it fails', async () => {
    const folder = await temporaryFolder()
    const { code, stderr } = await runCommand(['export', '-o', join(folder, 'nowhere', 'a.ndjson'), ...target.options])
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('there is no such folder.') })
    const file = join(folder, 'events.ndjson')
    await writeFile(file, 'before')
    const failed = await runCommand(['export', '-o', file, '--after', 'no-id', ...target.options])
    expect(failed).toMatchObject({ code: 2, stderr: expect.stringContaining('(invalid_message_id)') })
    expect(await readFile(file, 'utf8')).toBe('before')
    expect(await readdir(folder)).toEqual(['events.ndjson'])
  })
})

describe('as a good neighbour in a shell', () => {
  test.each(['export', 'replay', 'tail --from start'])(
    '%s ends quietly when its reader has seen enough',
    async (command) => {
      const line = `set -o pipefail; tradpal-events ${command} --json ${target.options.join(' ')} | head -n 2 | wc -l`
      expect(await runShell(line)).toEqual({ code: 0, stdout: expect.stringMatching(/^\s*2\n$/), stderr: '' })
    }
  )

  test('a standard output that is full is told', async () => {
    const line = `tradpal-events export ${target.options.join(' ')} > /dev/full`
    const stderr = expect.stringMatching(/^error: The standard output cannot be written: .* \(ENOSPC\)\n$/)
    expect(await runShell(line)).toEqual({ code: 1, stdout: '', stderr })
  })

  const onTerminal = (line: string) => runShell(`script --quiet --return --command '${line}' /dev/null`)

  test('colours are for terminals, and NO_COLOR turns them off', async () => {
    const events = `tradpal-events events --limit 1 ${target.options.join(' ')}`
    expect((await onTerminal(events)).stdout).toContain('\u001b[1m')
    expect((await onTerminal(`NO_COLOR=1 ${events}`)).stdout).not.toContain('\u001b[1m')
  })

  test('import and export show a bar with rate and time left on a terminal, and none elsewhere', async () => {
    await using own = await sqliteTarget()
    const file = join(await temporaryFolder(), 'events.ndjson')
    const exported = await onTerminal(`tradpal-events export -o ${file} ${target.options.join(' ')}`)
    expect(exported.stdout).toMatch(/exporting .*100% \| 20,000 events \| [\d,]+\/s \| ETA/)
    const imported = await onTerminal(`tradpal-events import ${file} ${own.options.join(' ')}`)
    expect(imported.stdout).toMatch(/importing .*100% \| 20,000 events \| [\d,]+\/s \| ETA/)
    expect(imported.stdout).toContain('20,000 events imported')
    const piped = await runCommand(['import', file, ...own.options])
    expect(piped).toEqual({ code: 0, stdout: '0 events imported, 20,000 already in the log\n', stderr: '' })
  })

  test('what an event carries cannot steer the terminal', async () => {
    await using own = await sqliteTarget()
    const hostile = JSON.stringify({ symbol: '\u001b[2J\u009b31m\u202e', price: 1 })
    await runCommand([
      'publish',
      'market_data_update',
      '--data',
      hostile,
      '--source',
      '\u001b]0;x\u0007',
      ...own.options
    ])
    for (const command of [['events'], ['events', '--json'], ['replay'], ['export'], ['export', '--format', 'csv']]) {
      const { stdout } = await runCommand([...command, ...own.options])
      expect(stdout).toContain('\\u001b[2J\\u009b31m\\u202e')
      expect(stdout).not.toMatch(/[^\P{Cc}\n]|\p{Bidi_Control}/u)
    }
    for (const json of [[], ['--json']]) {
      const { stderr } = await runCommand(['dead-letters', 'show', '\u009b\u202e', ...json, ...own.options])
      expect(stderr).toContain('\\u009b\\u202e')
    }
  })

  test('replay keeps the pace that is asked for, and ends with 130 when interrupted', async () => {
    await using own = await sqliteTarget()
    await publishLines(own, [{ event_type: 'system_health' }])
    await publishLines(own, [{ event_type: 'system_health' }])
    const slow = startProcess(['replay', '--speed', '0.01', '--json', ...own.options])
    await once(slow.child.stdout as NodeJS.ReadableStream, 'data')
    slow.child.kill('SIGTERM')
    const { code, stdout, stderr } = await slow.result
    expect({ code, lines: stdout.trim().split('\n').length, stderr }).toEqual({ code: 130, lines: 1, stderr: '' })
  })

  test('an event of standard input is published before the input ends', async () => {
    await using own = await sqliteTarget()
    const publish = startProcess(['publish', ...own.options])
    publish.child.stdin?.write('{"event_type": "system_health"}\n')
    await once(publish.child.stdout as NodeJS.ReadableStream, 'data')
    publish.child.kill('SIGINT')
    expect((await publish.result).code).toBe(130)
  })

  test('--version is that of the package, and --help states the exit codes', async () => {
    const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'))
    expect(await runCommand(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
    const help = await runCommand(['--help'])
    expect(help.code).toBe(0)
    for (const code of ['0 ', '1 ', '2 ', '3 ', '130']) expect(help.stdout).toMatch(new RegExp(`^ {2}${code}`, 'm'))
  })
})

test('a process knows the event types of the platform', async () => {
  const { stdout } = await runProcess(['types', '--json', ...target.options])
  expect(JSON.parse(stdout).event_types).toHaveLength(19)
})

test('a Node that is too old is told so in a sentence', async () => {
  const old = 'data:text/javascript,Object.defineProperty(process,"versions",{value:{node:"20.20.2"}})'
  const command = fileURLToPath(new URL('../../bin/tradpal-events.js', import.meta.url))
  const child = spawn(process.execPath, ['--import', old, command, '--help'])
  let errors = ''
  child.stderr.on('data', (chunk) => (errors += chunk))
  const [code] = await once(child, 'exit')
  expect(code).toBe(2)
  expect(errors).toMatch(/^tradpal-events needs Node 22\.22 or later; this is v[\d.]+\.\n$/)
})
