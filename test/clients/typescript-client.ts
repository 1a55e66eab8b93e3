import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freshFolder, house, run } from './programs.ts'
import type { Place } from './service.ts'

/** Its types come from the description. A call that the description does not allow must not compile. */
const CALLS = `
import { deepEqual, equal, ok } from 'node:assert/strict'
import createClient from 'openapi-fetch'
import type { components, paths } from './api.ts'

const { URL: baseUrl = '', KEY: key = '' } = process.env
const client = createClient<paths>({ baseUrl, headers: { authorization: \`Bearer \${key}\` } })
const signal = { event_type: 'trading_signal', source: 'typescript', data: { symbol: 'ADA/USDT', signal: 'SELL' } }

const { data: receipt } = await client.POST('/events', { body: signal })
ok(receipt?.status === 'published')
const messageId: string = receipt.message_id

const { data: page } = await client.GET('/events', { params: { query: { symbol: ['ADA/USDT'], limit: 10 } } })
deepEqual(page?.events.map((event) => event.message_id), [messageId])

const path = { group: 'typescript' }
const { data: pulled } = await client.POST('/groups/{group}/pull', { params: { path }, body: { from: 'start', max: 100 } })
const deliveries: components['schemas']['Delivery'][] = pulled?.deliveries ?? []
ok(deliveries.some(({ event }) => event.message_id === messageId))
const body = { delivery_ids: deliveries.map(({ delivery_id }) => delivery_id) }
const { data: settled } = await client.POST('/groups/{group}/ack', { params: { path }, body })
equal(settled?.acknowledged, deliveries.length)

const { data: letters } = await client.GET('/dead-letters', { params: { query: { kind: 'poison' } } })
deepEqual(letters, { dead_letters: [], count: 0, total: 0 })

const { error, response } = await client.POST('/events', { body: { event_type: 'trading_signl' } })
const problem: components['schemas']['Problem'] | undefined = error
equal(response.status, 400)
equal(problem?.code, 'unknown_event_type')

export async function refusedByTheCompiler(): Promise<void> {
  // @ts-expect-error: an event has an event_type
  await client.POST('/events', { body: { source: 'typescript' } })
  // @ts-expect-error: there is no such kind
  await client.GET('/dead-letters', { params: { query: { kind: 'poisoned' } } })
  // @ts-expect-error: a message id is a text
  const id: number = receipt?.status === 'published' ? receipt.message_id : 0
  console.log(id)
}
`

const CONFIGURATION = {
  compilerOptions: {
    strict: true,
    module: 'nodenext',
    target: 'es2024',
    types: ['node'],
    rewriteRelativeImportExtensions: true
  },
  files: ['calls.ts']
}

/** Generates types from the description, checks calls against them, and makes the calls. Rejects with what a program complained of. */
export async function checkTypeScriptClient({ url, key, description }: Place): Promise<void> {
  const folder = await freshFolder('typescript')
  const node = (script: string, ...args: string[]) =>
    run(process.execPath, [join(house, 'node_modules', script), ...args], { cwd: folder })
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(CONFIGURATION))
  await writeFile(join(folder, 'calls.ts'), CALLS)
  // A field of a request that has a default may be left out.
  await node('openapi-typescript/bin/cli.js', description, '--default-non-nullable=false', '--output', 'api.ts')
  await node('@typescript/native/bin/tsc', '--pretty', 'false')
  await run(process.execPath, ['calls.js'], { cwd: folder, env: { ...process.env, URL: url, KEY: key } })
}
