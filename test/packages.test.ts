import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

const run = promisify(execFile)
const house = join(import.meta.dirname, '..')
const compilers = [
  { name: 'TypeScript 7', path: '@typescript/native/bin/tsc', exact: true },
  { name: 'TypeScript 7', path: '@typescript/native/bin/tsc', exact: false },
  { name: 'TypeScript 6', path: 'typescript/bin/tsc6', exact: false }
]

const plainJavaScript = `
import { EventClient } from '@tradpal/event-client'
import { tlsFetch } from '@tradpal/event-client/node'
import * as service from '@tradpal/event-service'
import { EventSystem, EventType } from '@tradpal/event-system'
import { conformance } from '@tradpal/event-system/conformance'
import { Outbox } from '@tradpal/event-system/outbox'
import { createTestSystem } from '@tradpal/event-system/testing'
import { createEvent } from '@tradpal/events'

const event = createEvent(EventType.TRADING_SIGNAL, { symbol: 'BTC/USDT', signal: 'BUY' }, { source: 'a_test' })
const parts = [EventClient, tlsFetch, EventSystem, Outbox, createTestSystem, conformance, service]
console.log(event.data.symbol, parts.every(Boolean))
`

const typeScript = `
import { EventClient } from '@tradpal/event-client'
import { tlsFetch } from '@tradpal/event-client/node'
import * as service from '@tradpal/event-service'
import { createEvent, EventSystem, EventType } from '@tradpal/event-system'
import { conformance } from '@tradpal/event-system/conformance'
import { Outbox } from '@tradpal/event-system/outbox'
import { createTestSystem } from '@tradpal/event-system/testing'

export const parts = [EventClient, tlsFetch, Outbox, createTestSystem, conformance, service]

const event = createEvent(EventType.TRADING_SIGNAL, { symbol: 'BTC/USDT', signal: 'BUY' }, { source: 'a_test' })
export const symbol: string = event.data.symbol
// @ts-expect-error: a symbol is no number, and no any
export const price: number = event.data.symbol

export async function publish(system: EventSystem): Promise<string> {
  system.registerHandler(EventType.TRADING_SIGNAL, async (signal, context) => {
    const described: string = signal.data.symbol + context.attempt.toFixed()
    await Promise.resolve(described)
  })
  return system.publishEvent(event)
}
`

let project: string

beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), 'packages-'))
  await npm(house, 'run', 'build')
  const packed = await npm(house, 'pack', '--workspaces', '--json', '--pack-destination', project)
  const tarballs = packedPackages(packed).map(({ filename }) => join(project, filename))

  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  const nodeTypes = `@types/node@${rootManifest().devDependencies['@types/node']}`
  await npm(project, 'install', '--no-audit', '--no-fund', '--prefer-offline', ...tarballs, nodeTypes)
}, 240_000)

afterAll(() => rmSync(project, { recursive: true, force: true }))

test('the packages hold what runs and its types: no source, no test, nothing of the build', async () => {
  const packed = await npm(house, 'pack', '--workspaces', '--json', '--dry-run')

  const files = packedPackages(packed).flatMap((each) => each.files.map(({ path }) => path))

  expect(files).toContain('dist/index.js')
  expect(files.some((path) => path.endsWith('.lua'))).toBe(true)
  expect(
    files.filter(
      (path) => !/^(bin\/tradpal-events\.js|dist\/.+(\.js|\.d\.ts|\.lua)|package\.json|README\.md|LICENSE)$/.test(path)
    )
  ).toEqual([])
  expect(files.filter((path) => path.includes('.test.'))).toEqual([])
})

test('plain JavaScript imports every package from its tarball', async () => {
  writeFileSync(join(project, 'plain.js'), plainJavaScript)

  const { stdout } = await run(process.execPath, ['plain.js'], { cwd: project })

  expect(stdout).toBe('BTC/USDT true\n')
})

test.each(compilers)(
  '$name accepts the types of every package, exactOptionalPropertyTypes $exact',
  { timeout: 90_000 },
  async ({ path, exact }) => {
    writeFileSync(join(project, 'typed.ts'), typeScript)
    const compilerOptions = {
      strict: true,
      module: 'nodenext',
      target: 'es2022',
      lib: ['es2024', 'esnext.disposable'],
      types: ['node'],
      noEmit: true,
      skipLibCheck: false,
      exactOptionalPropertyTypes: exact
    }
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['typed.ts'] }))

    const complaints = await typeCheck(join(house, 'node_modules', path))

    expect(complaints.filter((line) => !isForeign(line))).toEqual([])
  }
)

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
