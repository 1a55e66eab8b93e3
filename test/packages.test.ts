import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { waitFor } from '@tradpal/event-system/testing'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { findProgram } from './support/find-program.ts'
import { freePort } from './support/free-port.ts'

const run = promisify(execFile)
const house = join(import.meta.dirname, '..')
/** Each compiler and each value of the option once: a run checks the types of every dependency, half a minute of a core. */
const compilers = [
  { name: 'TypeScript 7', path: '@typescript/native/bin/tsc', exact: true },
  { name: 'TypeScript 6', path: 'typescript/bin/tsc6', exact: false }
]

/** Whoever checks JavaScript has the same types. */
const checkedJavaScript = `// @ts-check
import { createEvent } from '@tradpal/events'

const event = createEvent('order_executed', { symbol: 'AAPL', side: 'BUY', quantity: 1, price: 190 })
/** @type {'BUY' | 'SELL'} */
export const side = event.data.side
// @ts-expect-error: a side is BUY or SELL
createEvent('order_executed', { symbol: 'AAPL', side: 'HOLD', quantity: 1, price: 190 })
`

const plainJavaScript = `
import { Problem } from '@tradpal/event-api'
import { EventClient } from '@tradpal/event-client'
import { tlsFetch } from '@tradpal/event-client/node'
import * as service from '@tradpal/event-service'
import { EventSystem, EventType } from '@tradpal/event-system'
import { ApiKeys } from '@tradpal/event-system/access'
import { Audit } from '@tradpal/event-system/audit'
import { conformance } from '@tradpal/event-system/conformance'
import { Outbox } from '@tradpal/event-system/outbox'
import { createTestSystem } from '@tradpal/event-system/testing'
import { createEvent } from '@tradpal/events'

const event = createEvent(EventType.TRADING_SIGNAL, { symbol: 'BTC/USDT', signal: 'BUY' }, { source: 'a_test' })
const parts = [Problem, EventClient, tlsFetch, EventSystem, ApiKeys, Audit, Outbox, createTestSystem, conformance, service]
console.log(event.data.symbol, parts.every(Boolean))
`

const typeScript = `
import { Problem } from '@tradpal/event-api'
import { EventClient } from '@tradpal/event-client'
import { tlsFetch } from '@tradpal/event-client/node'
import * as service from '@tradpal/event-service'
import { createEvent, defineEventType, EventSystem, EventType } from '@tradpal/event-system'
import { ApiKeys } from '@tradpal/event-system/access'
import { Audit } from '@tradpal/event-system/audit'
import { conformance } from '@tradpal/event-system/conformance'
import { Outbox } from '@tradpal/event-system/outbox'
import { createTestSystem } from '@tradpal/event-system/testing'

declare module '@tradpal/events' {
  interface TradingSignalData {
    /** The desk that trades it. */
    desk?: string
  }
}

export const parts = [Problem, EventClient, tlsFetch, ApiKeys, Audit, Outbox, createTestSystem, conformance, service]

export const code = (problem: Problem): string => problem.code
// @ts-expect-error: a problem has a code
export const nameless: Problem = { type: '', title: '', status: 400, detail: '', instance: '' }

const event = createEvent(EventType.TRADING_SIGNAL, { symbol: 'BTC/USDT', signal: 'BUY' }, { source: 'a_test' })
export const symbol: string = event.data.symbol
// @ts-expect-error: a symbol is no number, and no any
export const price: number = event.data.symbol

const fromDesk = createEvent('trading_signal', { symbol: 'BTC/USDT', signal: 'BUY', desk: 'crypto' })
export const desk: string | undefined = fromDesk.data.desk
// @ts-expect-error: the type is called trading_signal
export const misspelt = createEvent('trading_signl', { symbol: 'BTC/USDT', signal: 'BUY' })

export const orderAmended = defineEventType({
  name: 'order_amended',
  schema: { type: 'object', required: ['side'], properties: { side: { enum: ['BUY', 'SELL'] } } }
})
const amended = createEvent(orderAmended, { side: 'BUY' })
export const side: 'BUY' | 'SELL' = amended.data.side
// @ts-expect-error: a side is BUY or SELL
createEvent(orderAmended, { side: 'HOLD' })

export async function publish(system: EventSystem): Promise<string> {
  await system.publishEvent(amended)
  // @ts-expect-error: the type is called trading_signal
  await system.getEvents({ eventType: 'trading_signl' })
  system.registerHandler(EventType.TRADING_SIGNAL, async (signal, context) => {
    const described: string = signal.data.symbol + context.attempt.toFixed()
    await Promise.resolve(described)
  })
  return system.publishEvent(event)
}
`

const clientAlone = `
import { type DeadLetter, EventClient, type GroupInfo, type Problem } from '@tradpal/event-client'

const client = new EventClient({ url: 'http://127.0.0.1:1', retries: 0 })
const letters: Promise<DeadLetter[]> = client.deadLetters.list()
letters.catch((error: { code: string }) => console.log(error.code))
export const shown = ({ name }: GroupInfo, { detail }: Problem): string => name + detail
// @ts-expect-error: when it was put there is a number
export const deadAt = ({ deadAt }: DeadLetter): string => deadAt
`

const PACKAGES = ['events', 'event-api', 'event-client', 'event-system', 'event-service']
const installPage = readFileSync(join(house, 'docs/install.md'), 'utf8')

/** A Node below 22.22 that is on the PATH outside of node_modules. */
async function olderNode(): Promise<string | undefined> {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'))
  for (const folder of folders) {
    const path = await findProgram(['node'], folder)
    const version = path && (await run(path, ['--version']).catch(() => undefined))?.stdout
    const [major = 0, minor = 0] = (version ?? '').slice(1).split('.').map(Number)
    if (major > 0 && (major < 22 || (major === 22 && minor < 22))) return path
  }
  return undefined
}

let project: string
let packages: PackedPackage[]

beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), 'packages-'))
  await npm(house, 'run', 'build')
  packages = packedPackages(await npm(house, 'pack', '--workspaces', '--json', '--pack-destination', project))
  const tarballs = packages.map(({ filename }) => join(project, filename))

  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  const nodeTypes = `@types/node@${rootManifest().devDependencies['@types/node']}`
  await npm(project, 'install', '--no-audit', '--no-fund', '--prefer-offline', ...tarballs, nodeTypes)
}, 240_000)

afterAll(() => rmSync(project, { recursive: true, force: true }), 120_000)

test('the packages hold what runs, its types and its source maps: no source, no test, nothing of the build', () => {
  const files = packages.flatMap((each) => each.files.map(({ path }) => path))

  expect(files).toContain('dist/index.js')
  expect(files.some((path) => path.endsWith('.lua'))).toBe(true)
  expect(
    files.filter(
      (path) =>
        !/^(bin\/tradpal-events\.js|dist\/.+(\.js|\.js\.map|\.d\.ts|\.lua)|package\.json|README\.md|LICENSE)$/.test(
          path
        )
    )
  ).toEqual([])
  expect(files.filter((path) => path.includes('.test.'))).toEqual([])
})

test('each package has a README, the license, keywords, and maps that hold the sources', () => {
  for (const name of PACKAGES) {
    const folder = join(project, 'node_modules/@tradpal', name)
    const read = (file: string) => readFileSync(join(folder, file), 'utf8')
    const manifest = JSON.parse(read('package.json'))
    const map = JSON.parse(read('dist/index.js.map'))

    expect(read('README.md'), name).toContain(`# @tradpal/${name}\n`)
    expect(read('LICENSE'), name).toBe(readFileSync(join(house, 'LICENSE'), 'utf8'))
    expect(manifest, name).toMatchObject({ license: 'MIT', keywords: expect.arrayContaining(['events', 'trading']) })
    expect(read('dist/index.js'), name).toContain('//# sourceMappingURL=index.js.map')
    expect(map.sourcesContent, name).toEqual([expect.stringContaining('export')])
  }
})

test('docs/install.md: the tarballs are installed in an empty folder as the page says, and its example runs', async () => {
  const [, commands = ''] = /## From tarballs.*?```text\n.*?```.*?```text\n(.*?)```/s.exec(installPage) ?? []
  const [, example = ''] = /## Try it.*?```js\n(.*?)```/s.exec(installPage) ?? []
  const folder = mkdtempSync(join(tmpdir(), 'installed-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'try-it.mjs'), example)
  const script = commands
    .replaceAll('./tarballs/', `${project}/`)
    .replaceAll('npm install', 'npm install --prefer-offline')

  await run('bash', ['-euc', script], { cwd: folder })
  const { stdout } = await run(process.execPath, ['try-it.mjs'], { cwd: folder })

  expect(commands).toContain('npm install')
  expect(stdout).toBe('1\n')
}, 240_000)

test('docs/install.md: npm reads from the .npmrc of the page where the packages are', async () => {
  const [, npmrc = ''] = /## From a private registry.*?```text\n(.*?)```/s.exec(installPage) ?? []
  const folder = mkdtempSync(join(tmpdir(), 'registry-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, '.npmrc'), npmrc)
  writeFileSync(join(folder, 'package.json'), '{}')

  expect(await npm(folder, 'config', 'get', '@tradpal:registry')).toBe('https://npm.example.com/\n')
  expect(npmrc).toMatch(/^\/\/npm\.example\.com\/:_authToken=\$\{NPM_TOKEN\}$/m)
})

describe('under a Node that is too old', async () => {
  const node = await olderNode()

  test.skipIf(node === undefined)('the command says in one sentence which Node it needs, and ends with 2', async () => {
    const command = join(project, 'node_modules/@tradpal/event-service/bin/tradpal-events.js')
    const ended = await run(node as string, [command, 'health']).catch((error) => error)

    expect(ended).toMatchObject({ code: 2, stdout: '' })
    expect(ended.stderr).toMatch(/^tradpal-events needs Node 22\.22 or later; this is v[\d.]+\.\n$/)
  })

  test
    .skipIf(node === undefined)
    .each(
      ['', '/access', '/audit', '/outbox', '/testing'].map((entry) => `event-system${entry}`).concat('event-service')
    )("an import of '@tradpal/%s' throws a sentence that says which Node it needs", async (entry) => {
    const script = `import('@tradpal/${entry}').then(() => console.log('imported'), (error) => console.log(error.message))`
    const { stdout } = await run(node as string, ['-e', script], { cwd: project })

    expect(stdout).toMatch(/^@tradpal\/event-system needs Node 22\.22 or later; this is v[\d.]+\.\n$/)
  })
})

test('plain JavaScript imports every package from its tarball', async () => {
  writeFileSync(join(project, 'plain.js'), plainJavaScript)

  const { stdout } = await run(process.execPath, ['plain.js'], { cwd: project })

  expect(stdout).toBe('BTC/USDT true\n')
})

test.each(compilers)(
  '$name accepts the types of every package, exactOptionalPropertyTypes $exact',
  { timeout: 120_000 },
  async ({ path, exact }) => {
    writeFileSync(join(project, 'typed.ts'), typeScript)
    writeFileSync(join(project, 'checked.js'), checkedJavaScript)
    const compilerOptions = {
      strict: true,
      module: 'nodenext',
      target: 'es2022',
      lib: ['es2024', 'esnext.disposable'],
      types: ['node'],
      allowJs: true,
      declaration: true,
      outDir: 'out',
      skipLibCheck: false,
      exactOptionalPropertyTypes: exact
    }
    writeFileSync(
      join(project, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: ['typed.ts', 'checked.js'] })
    )

    const complaints = await typeCheck(join(house, 'node_modules', path))

    expect(complaints.filter((line) => !isForeign(line))).toEqual([])
  }
)

test('the types of events and of the client need those of no other package: a compiler would check them all', async () => {
  writeFileSync(join(project, 'model.ts'), "import '@tradpal/event-client'\nimport '@tradpal/events'\n")
  const options = ['--listFilesOnly', '--module', 'nodenext', '--types', '', '--ignoreConfig']
  const compiler = join(house, 'node_modules/@typescript/native/bin/tsc')

  const { stdout } = await run(process.execPath, [compiler, ...options, 'model.ts'], { cwd: project })

  const read = stdout.split('\n').filter((path) => path.includes(`${project}/node_modules/`))
  expect(read.length).toBeGreaterThan(20)
  expect(read.filter((path) => !path.includes('/node_modules/@tradpal/'))).toEqual([])
})

test('the client is installed without the documents of the API: it runs, and a compiler accepts its types', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'client-alone-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const tarballs = packages.map(({ filename }) => filename).filter((name) => /-(events|event-client)-\d/.test(name))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  writeFileSync(join(folder, 'alone.ts'), clientAlone)
  const compiler = join(house, 'node_modules/@typescript/native/bin/tsc')
  const options = ['--strict', '--module', 'nodenext', '--target', 'es2024', '--lib', 'es2024,dom,esnext.disposable']

  const installing = ['install', '--no-audit', '--no-fund', '--prefer-offline']
  await npm(folder, ...installing, ...tarballs.map((name) => join(project, name)))
  await run(process.execPath, [compiler, ...options, '--types', '', '--ignoreConfig', 'alone.ts'], { cwd: folder })
  const { stdout } = await run(process.execPath, ['alone.js'], { cwd: folder })

  expect(readdirSync(join(folder, 'node_modules/@tradpal')).sort()).toEqual(['event-client', 'events'])
  expect(stdout).toBe('service_unavailable\n')
}, 90_000)

test('the command is installed and explains itself', async () => {
  const { stdout } = await run(join(project, 'node_modules/.bin/tradpal-events'), ['--help'], { cwd: project })

  expect(stdout).toContain('tradpal-events')
})

test("the README's first example of the library runs as it stands", async () => {
  const listings = [...readFileSync(join(house, 'README.md'), 'utf8').matchAll(/^```js\n(.*?)^```$/gms)]
  const example = listings.map(([, code]) => code ?? '').find((code) => code.includes("'@tradpal/event-system'"))
  const folder = join(project, 'first-example')
  mkdirSync(folder)
  writeFileSync(join(folder, 'example.js'), example ?? 'throw new Error("README.md has no such listing")')

  const { stdout } = await run(process.execPath, ['example.js'], { cwd: folder, timeout: 15_000 })

  expect(stdout).toMatch(/^published as \d+-\d+$/m)
  expect(stdout).toMatch(/^BUY BTC\/USDT, attempt 1$/m)
})

async function npm(cwd: string, ...command: string[]): Promise<string> {
  const ended = run('npm', command, { cwd }).catch((error: { stdout: string; stderr: string }) => {
    throw new Error(`npm ${command[0]} failed:\n${error.stdout}${error.stderr}`)
  })
  return (await ended).stdout
}

interface PackedPackage {
  readonly filename: string
  readonly files: readonly { readonly path: string }[]
}

function packedPackages(json: string): PackedPackage[] {
  return Object.values(JSON.parse(json) as Record<string, PackedPackage>)
}

function rootManifest(): { devDependencies: Record<string, string> } {
  return JSON.parse(readFileSync(join(house, 'package.json'), 'utf8')) as { devDependencies: Record<string, string> }
}

/** The compiler's complaints, one a line; the lines that only explain the one above are left out. */
async function typeCheck(compiler: string): Promise<string[]> {
  const check = run(process.execPath, [compiler, '--pretty', 'false'], { cwd: project })
  const output = await check.then(
    ({ stdout }) => stdout,
    (error: { stdout?: string }) => error.stdout ?? String(error)
  )
  return output.split('\n').filter((line) => line !== '' && !line.startsWith(' '))
}

/** Another package's own declarations may be at odds with a compiler's options: not ours to answer for. */
function isForeign(complaint: string): boolean {
  return complaint.startsWith('node_modules/') && !complaint.startsWith('node_modules/@tradpal/')
}

test('npm start compiles nothing when no source has changed, and SIGTERM to npm ends the service and frees its port', async () => {
  const port = await freePort()
  const env = { ...process.env, EVENT_SERVICE_PORT: String(port), EVENT_LOG_PATH: join(project, 'start.db') }
  const started = spawn('npm', ['start'], { cwd: house, env, stdio: ['ignore', 'pipe', 'inherit'] })
  let written = ''
  started.stdout.setEncoding('utf8').on('data', (text: string) => {
    written += text
  })
  const ended = once(started, 'close')
  await waitFor(async () => (await fetch(`http://localhost:${port}/health`)).ok, { timeoutMs: 50_000 })
  expect(written).toMatch(/packages\/service\/tsconfig\.json' is up to date/)
  expect(written).not.toMatch(/Building project/)

  started.kill('SIGTERM')
  await ended

  const server = createServer().listen(port)
  await once(server, 'listening')
  server.close()
})
