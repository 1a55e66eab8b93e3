import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const house = join(import.meta.dirname, '../..')
const cruiser = join(house, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs')
const config = join(house, '.dependency-cruiser.mjs')

const library = 'packages/event-system/src'

/** A small house that keeps every rule, with what is allowed and looks close to what is not. */
const soundHouse: Record<string, string> = {
  'packages/events/src/index.ts': `export interface Event { id: string }\nexport { one } from './atom.ts'`,
  'packages/events/src/atom.ts': `export const one = 1`,
  'packages/events/src/atom.test.ts': `import 'node:fs'\nimport 'vitest'\nimport '../../../test/support/server.ts'`,
  'packages/api/src/index.ts': `import 'typebox'\nimport '@tradpal/events'\nexport const Problem = 1\nexport type Problem = 1`,
  'packages/client/src/index.ts': `export * from '@tradpal/events'\nimport type { Problem } from '@tradpal/event-api'`,
  'packages/client/src/node.ts': `import 'node:tls'\nexport const tlsFetch = fetch`,
  [`${library}/index.ts`]: `export * from './event-system.ts'\nexport * from './log/redis/index.ts'`,
  [`${library}/event-system.ts`]: `import './configuration/index.ts'\nimport './process/index.ts'`,
  [`${library}/configuration/index.ts`]: `import '../log/redis/index.ts'\nimport '../log/sqlite/index.ts'`,
  [`${library}/runtime/index.ts`]: `import 'node:async_hooks'`,
  [`${library}/log/index.ts`]: `export type * from './port.ts'`,
  [`${library}/log/port.ts`]: `import type { Event } from '@tradpal/events'\nexport type Entry = Event`,
  [`${library}/log/redis/index.ts`]: `import { createClient } from 'redis'\nimport type { Entry } from '../port.ts'`,
  [`${library}/log/redis/index.test.ts`]: `import { conformance } from '../conformance/index.ts'`,
  [`${library}/log/sqlite/index.ts`]: `import 'node:sqlite'\nimport type { Entry } from '../index.ts'\nimport './pages.ts'`,
  [`${library}/log/sqlite/pages.ts`]: `export const pages = 1`,
  [`${library}/log/conformance/index.ts`]: `import type { Entry } from '../port.ts'\nexport const conformance = []`,
  [`${library}/codec/index.ts`]: `import type { Entry } from '../log/index.ts'`,
  [`${library}/publish/index.ts`]: `import '../codec/index.ts'\nimport '../runtime/index.ts'\nimport './publisher.ts'`,
  [`${library}/publish/publisher.ts`]: `export const publisher = 1`,
  [`${library}/outbox/index.ts`]: `import '../codec/index.ts'\nimport '../runtime/index.ts'`,
  [`${library}/consume/index.ts`]: `import type { Entry } from '../log/index.ts'`,
  [`${library}/store/index.ts`]: `import '../codec/index.ts'`,
  [`${library}/access/index.ts`]: `import type { Entry } from '../log/index.ts'\nimport '../runtime/index.ts'`,
  [`${library}/audit/index.ts`]: `import type { Entry } from '../log/index.ts'\nimport '../access/index.ts'`,
  [`${library}/process/index.ts`]: `import '../publish/index.ts'\nimport '../store/index.ts'`,
  [`${library}/testing/index.ts`]: `import { EventSystem } from '../event-system.ts'`,
  'packages/service/src/index.ts': `import '@tradpal/event-system'\nimport '@tradpal/event-api'\nimport '@tradpal/event-client'`,
  'packages/service/src/auditing.ts': `import '@tradpal/event-system/access'\nimport '@tradpal/event-system/audit'`,
  'packages/service/test/api.test.ts': `import '@tradpal/event-system/testing'\nimport '../../../test/support/server.ts'`,
  'packages/dashboard/src/index.ts': `import '@tradpal/event-client'`,
  'bench/main.ts': `import 'redis'\nimport '@tradpal/event-system'`,
  'test/support/server.ts': `import 'redis'`,
  'examples/main.ts': `import '@tradpal/event-system/conformance'`
}

/** One breach a line: the rule, the file that breaks it, and what that file says. */
const breaches: readonly [rule: string, file: string, source: string][] = [
  ['package-events', 'packages/events/src/upwards.ts', `import type { EventClient } from '@tradpal/event-client'`],
  ['package-api', 'packages/api/src/upwards.ts', `import type { EventClient } from '@tradpal/event-client'`],
  ['api-is-schemas', 'packages/api/src/extra.ts', `import 'fastify'`],
  ['client-takes-types-of-api', 'packages/client/src/schemas.ts', `import { Problem } from '@tradpal/event-api'`],
  ['package-client', 'packages/client/src/upwards.ts', `import '@tradpal/event-system'`],
  ['package-event-system', `${library}/upwards.ts`, `export type { Service } from '@tradpal/event-service'`],
  ['package-service', 'packages/service/src/sideways.ts', `import '@tradpal/event-dashboard'`],
  ['package-dashboard', 'packages/dashboard/src/upwards.ts', `const library = await import('@tradpal/event-system')`],
  ['package-by-its-name', 'packages/client/src/by-path.ts', `import '../../events/src/index.ts'`],
  [
    'package-by-its-front-door',
    'packages/service/src/by-window.ts',
    `import type { one } from '../../events/src/atom.ts'`
  ],
  ['package-by-its-front-door', 'bench/by-window.ts', `import '../${library}/publish/index.ts'`],
  ['packages-stand-alone', 'packages/service/src/reader.ts', `import '../../../bench/main.ts'`],
  ['packages-stand-alone', 'packages/service/src/tester.ts', `import '../../../test/support/server.ts'`],
  ['runs-in-a-browser', 'packages/events/src/node-bound.ts', `import { randomUUID } from 'node:crypto'`],
  ['runs-in-a-browser', 'packages/api/src/node-bound.ts', `import type { Socket } from 'node:net'`],
  ['runs-in-a-browser', 'packages/client/src/node-bound.ts', `import type { Socket } from 'node:net'`],
  ['runs-without-its-entry-for-node', 'packages/client/src/node-entry.ts', `import { tlsFetch } from './node.ts'`],
  ['room-runtime', `${library}/runtime/upwards.ts`, `import type { Entry } from '../log/index.ts'`],
  ['room-log', `${library}/log/upwards.ts`, `import '../codec/index.ts'`],
  ['room-codec', `${library}/codec/upwards.ts`, `import '../publish/index.ts'`],
  ['room-groups', `${library}/groups/upwards.ts`, `import '../consume/index.ts'`],
  ['room-dead-letters', `${library}/dead-letters/upwards.ts`, `import '../consume/index.ts'`],
  ['room-publish', `${library}/publish/sideways.ts`, `import '../consume/index.ts'`],
  ['room-publish', `${library}/publish/upwards.ts`, `import type { EventSystem } from '../event-system.ts'`],
  ['room-outbox', `${library}/outbox/sideways.ts`, `import type { Storage } from '../log/index.ts'`],
  ['driver-sqlite', `${library}/outbox/driver.ts`, `import type { DatabaseSync } from 'node:sqlite'`],
  ['room-consume', `${library}/consume/sideways.ts`, `import type { EventStore } from '../store/index.ts'`],
  ['room-operate', `${library}/operate/sideways.ts`, `import '../consume/index.ts'`],
  ['room-access', `${library}/access/upwards.ts`, `import '../audit/index.ts'`],
  ['room-audit', `${library}/audit/sideways.ts`, `import '../store/index.ts'`],
  ['room-store', `${library}/store/upwards.ts`, `import '../process/index.ts'`],
  ['room-process', `${library}/process/upwards.ts`, `import '../configuration/index.ts'`],
  ['room-by-its-index', `${library}/process/by-window.ts`, `import type { publisher } from '../publish/publisher.ts'`],
  ['room-by-its-index', `${library}/wiring.ts`, `import './log/sqlite/pages.ts'`],
  ['log-folder', `${library}/log/redis/neighbour.ts`, `import '../sqlite/index.ts'`],
  ['log-folder', `${library}/log/conformance/upwards.ts`, `import '../../runtime/index.ts'`],
  ['log-is-chosen-once', `${library}/store/choosing.ts`, `import type { RedisLog } from '../log/redis/index.ts'`],
  ['driver-redis', `${library}/publish/shortcut.ts`, `import { createClient } from 'redis'`],
  ['driver-redis', 'packages/service/src/shortcut.ts', `import type { RedisClientType } from '@redis/client'`],
  ['driver-sqlite', `${library}/store/shortcut.ts`, `import type { DatabaseSync } from 'node:sqlite'`],
  ['adapter-redis', `${library}/log/redis/extra.ts`, `import 'fastify'`],
  ['adapter-sqlite', `${library}/log/sqlite/extra.ts`, `import 'fastify'`],
  ['testing-is-for-tests', `${library}/self-testing.ts`, `import './testing/index.ts'`],
  ['testing-is-for-tests', 'packages/service/src/self-testing.ts', `import '@tradpal/event-system/conformance'`],
  ['source-without-tests', 'packages/events/src/from-test.ts', `import './atom.test.ts'`],
  ['declared-dependencies', 'packages/service/src/undeclared.ts', `import { test } from 'vitest'`],
  ['no-circle', 'packages/events/src/atom.ts', `import type { Event } from './index.ts'\nexport const one = 1`],
  ['no-dead-end', 'packages/events/src/lost.ts', `import type { Nothing } from './nowhere.ts'`]
]

interface Report {
  readonly violations: readonly { readonly rule: { readonly name: string }; readonly from: string }[]
  readonly ruleSetUsed: { readonly forbidden: readonly { readonly name: string }[] }
}

let tree: string

beforeAll(() => {
  tree = mkdtempSync(join(tmpdir(), 'import-rules-'))
  furnish()
})
afterAll(() => rmSync(tree, { recursive: true, force: true }))

test('a house that keeps the rules passes them', () => {
  for (const [file, source] of Object.entries(soundHouse)) write(file, source)

  expect(cruise().violations).toEqual([])
})

test('each rule reports the file that breaks it, imports of types alone included', () => {
  for (const [file, source] of Object.entries(soundHouse)) write(file, source)
  for (const [, file, source] of breaches) write(file, source)

  const { violations, ruleSetUsed } = cruise()

  const reported = new Set(violations.map(({ rule, from }) => `${rule.name}: ${from}`))
  expect(breaches.map(([rule, file]) => `${rule}: ${file}`).filter((breach) => !reported.has(breach))).toEqual([])
  expect(new Set(breaches.map(([rule]) => rule))).toEqual(new Set(ruleSetUsed.forbidden.map(({ name }) => name)))
})

test('every workspace package has its line in the rules', () => {
  const { workspaces } = JSON.parse(readFileSync(join(house, 'package.json'), 'utf8')) as { workspaces: string[] }

  const rules = cruise().ruleSetUsed.forbidden.map(({ name }) => name)

  expect(rules).toEqual(expect.arrayContaining(workspaces.map((folder) => folder.replace('packages/', 'package-'))))
})

function cruise(): Report {
  const folders = ['packages', 'bench', 'test', 'examples']
  const run = spawnSync(process.execPath, [cruiser, '--config', config, '--output-type', 'json', ...folders], {
    cwd: tree,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024
  })
  if (run.stdout === '') throw new Error(`dependency-cruiser did not finish: ${run.stderr}`)
  return (JSON.parse(run.stdout) as { summary: Report }).summary
}

/** The manifests of the packages, their links in node_modules, and a stand-in for each foreign package. */
function furnish(): void {
  const manifests: [folder: string, name: string, dependencies: Record<string, string>][] = [
    ['events', '@tradpal/events', {}],
    ['api', '@tradpal/event-api', { typebox: '1' }],
    ['client', '@tradpal/event-client', {}],
    ['event-system', '@tradpal/event-system', { redis: '6' }],
    ['service', '@tradpal/event-service', { fastify: '5' }],
    ['dashboard', '@tradpal/event-dashboard', {}]
  ]
  mkdirSync(join(tree, 'node_modules/@tradpal'), { recursive: true })
  for (const [folder, name, dependencies] of manifests) {
    const exports = {
      '.': { 'tradpal-source': './src/index.ts' },
      './access': { 'tradpal-source': './src/access/index.ts' },
      './audit': { 'tradpal-source': './src/audit/index.ts' },
      './testing': { 'tradpal-source': './src/testing/index.ts' },
      './conformance': { 'tradpal-source': './src/log/conformance/index.ts' }
    }
    write(`packages/${folder}/package.json`, JSON.stringify({ name, exports, dependencies }))
    symlinkSync(join(tree, 'packages', folder), join(tree, 'node_modules', name))
  }
  for (const name of ['redis', '@redis/client', 'fastify', 'typebox', 'vitest']) {
    write(`node_modules/${name}/package.json`, JSON.stringify({ name, exports: './dist/index.js' }))
    write(`node_modules/${name}/dist/index.js`, '')
  }
}

function write(file: string, source: string): void {
  mkdirSync(dirname(join(tree, file)), { recursive: true })
  writeFileSync(join(tree, file), source)
}
