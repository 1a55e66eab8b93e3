import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { addEncryptionKey, createEvent, EventSystem } from '@tradpal/event-system'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bury } from '../../../../test/support/bury.ts'
import { freePort } from '../../../../test/support/free-port.ts'
import { runCommand } from './support/command.ts'
import { runShell, type ShellOptions } from './support/shell.ts'
import { type CommandTarget, publishLines, sqliteTarget } from './support/targets.ts'

const COMMANDS = [
  [],
  ['serve'],
  ['publish'],
  ['import'],
  ['tail'],
  ['events'],
  ['replay'],
  ['export'],
  ['stats'],
  ['rates'],
  ['types'],
  ['types', 'check'],
  ['health'],
  ['spool'],
  ['trim'],
  ['encryption-keys'],
  ['encryption-keys', 'new'],
  ['rekey'],
  ['shred'],
  ['groups'],
  ['groups', 'list'],
  ['groups', 'show'],
  ['groups', 'seek'],
  ['groups', 'set-types'],
  ['groups', 'remove'],
  ['groups', 'rotate-key'],
  ['dead-letters'],
  ['dead-letters', 'list'],
  ['dead-letters', 'causes'],
  ['dead-letters', 'show'],
  ['dead-letters', 'requeue'],
  ['dead-letters', 'discard'],
  ['dead-letters', 'actions'],
  ['keys'],
  ['keys', 'list'],
  ['keys', 'create'],
  ['keys', 'rotate'],
  ['keys', 'revoke'],
  ['policy'],
  ['policy', 'check'],
  ['certs'],
  ['certs', 'dev'],
  ['audit'],
  ['audit', 'list'],
  ['audit', 'head'],
  ['audit', 'verify']
]

const EVENTS = ['BTC/USDT', 'ETH/USDT'].map((symbol) => ({
  event_type: 'trading_signal',
  timestamp: '2026-01-31T09:30:00.000+00:00',
  data: { symbol, signal: 'BUY' }
}))

let target: CommandTarget
let letterIds: string[]
let keyId: string
let cwd: string

beforeAll(async () => {
  cwd = await folderOfExamples()
  target = await sqliteTarget()
  await publishLines(target, EVENTS)
  await runCommand(['trim', '--max-length', '1000', ...target.options], { env: { EVENT_AUDIT: 'on' } })
  await using system = await target.openSystem()
  letterIds = (await bury(system, 'brokers')).map(({ id }) => id)
  keyId = JSON.parse((await runCommand(['keys', 'create', '--name', 'a', '--json', ...target.options])).stdout).id
  for (const group of ['reports', 'forgotten']) await system.storage.queue(group).create('start')
})
afterAll(async () => {
  await target[Symbol.asyncDispose]()
  await rm(cwd, { recursive: true, force: true })
})

/** A folder with the files that the examples name. */
async function folderOfExamples(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tradpal-cli-examples-'))
  const path = (name: string) => join(folder, name)
  await writeFile(path('events.ndjson'), EVENTS.map((event) => `${JSON.stringify(event)}\n`).join(''))
  await writeFile(path('order.json'), '{"symbol": "BTC/USDT", "side": "BUY", "quantity": 1, "price": 45000}')
  await writeFile(path('policy.json'), '{"principals": {"ml_service": {"scopes": ["publish:*"]}}}')
  await writeFile(path('order.v1.json'), '{"type": "object", "properties": {"order_id": {"type": "string"}}}')
  await writeFile(path('order.v2.json'), '{"type": "object", "properties": {"reason": {"type": "string"}}}')
  await writeFile(path('prices.csv'), 'Ticker,Date,Close,Volume\nMSFT,2026-01-30,400,1000\n')
  await writeFile(path('aapl.csv'), 'Date,Close\n2026-01-30,250\n')
  for (const log of ['other.db', 'data/tradpal_events.db']) {
    await runCommand(['publish', 'system_health', '--log', path(log)])
  }
  addEncryptionKey(path('encryption.json'), 'one')
  const encryption = { keysFile: path('encryption.json'), keyFor: () => 'customer-17' }
  await using encrypting = new EventSystem({ logPath: path('other.db'), encryption })
  await encrypting.initialize()
  await encrypting.publishEvent(createEvent('system_health'))
  const spooling = new EventSystem({ logPath: path('other.db'), spoolPath: path('data/spool.db') })
  await spooling.initialize()
  await spooling.close()
  return folder
}

/** Some commands run until they are told to stop. */
function stopOf(example: string): ShellOptions['stopWhen'] {
  if (/ serve/.test(example)) return { until: /listens/, ready: answer, signal: 'SIGTERM' }
  if (/ tail/.test(example) && !/--count|--no-follow/.test(example)) return { until: /BTC/, signal: 'SIGINT' }
  return undefined
}

function inShell(line: string, stopWhen: ShellOptions['stopWhen']) {
  const env = { EVENT_SERVICE_PORT: '0', EVENT_SERVICE_HOST: '127.0.0.1' }
  return runShell(line, { cwd, env, defaultTarget: target.options, ...(stopWhen === undefined ? {} : { stopWhen }) })
}

function inThisProcess(args: readonly string[]) {
  const namesTarget = ['--log', '--url', '--redis'].some((option) => args.includes(option))
  return runCommand([...args, ...(namesTarget ? [] : target.options)], { cwd })
}

/** The arguments of a line that takes nothing of a shell but words and quotation marks; undefined of any other. */
function wordsOf(line: string): string[] | undefined {
  const word = /'(?<single>[^']*)'|"(?<double>[^"$`\\]*)"|(?<bare>[^\s'"|&;<>()$`\\]+)/
  if (!new RegExp(`^tradpal-events(?: +(?:${word.source.replace(/\?<\w+>/g, '')}))*$`).test(line)) return undefined
  const words = [...line.matchAll(new RegExp(word, 'g'))]
  return words.slice(1).map(({ groups = {} }) => groups.single ?? groups.double ?? groups.bare ?? '')
}

/** An answer of the service that said where it listens. */
function answer(log: string): Promise<Response> {
  return fetch(`${/"url":"([^"]+)"/.exec(log)?.[1]}/health`)
}

test.each(COMMANDS.map((words) => [words.join(' ') || 'tradpal-events', words] as const))(
  'the help of %s describes it, and each of its examples runs',
  async (_, words) => {
    const { code, stdout: help, stderr } = await runCommand([...words, '--help'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(help).toContain(`Usage: ${['tradpal-events', ...words].join(' ')}`)
    expect(help).toContain('--json')
    const examples = [...help.matchAll(/^ {2}\$ (.+)$/gm)].map(([, example]) => example as string)
    expect(examples.length).toBeGreaterThan(0)

    for (const example of examples) {
      // `tail` alone prints only what comes.
      const line = example
        .replace(/(?<=keys .*)'<id>'/, () => keyId)
        .replace("'<id>'", () => (/requeue|discard/.test(example) ? letterIds.pop() : letterIds[0]) ?? '')
        .replace('8012', String(await freePort()))
        .replace(/ tail$/, ' tail -n 5')
      const stopWhen = stopOf(example)
      const command = stopWhen === undefined ? wordsOf(line) : undefined
      const result = await (command === undefined ? inShell(line, stopWhen) : inThisProcess(command))
      expect({ example, ...result }).toMatchObject({ example, code: stopWhen?.signal === 'SIGINT' ? 130 : 0 })
    }
  }
)

test('the help lists every command that there is', async () => {
  const { stdout } = await runCommand(['--help'])
  const listed = [...stdout.matchAll(/^ {2}([a-z-]+)(?: .*)? {2,}\S/gm)].map(([, name]) => name)
  expect(listed).toEqual(expect.arrayContaining(COMMANDS.filter(({ length }) => length === 1).flat()))
  const program = await readFile(new URL('../../src/cli/program.ts', import.meta.url), 'utf8')
  const defined = [...program.matchAll(/name: '([a-z-]+)'/g)].map(([, name]) => name)
  expect(defined.toSorted()).toEqual(
    COMMANDS.filter(({ length }) => length === 1)
      .flat()
      .toSorted()
  )
})
