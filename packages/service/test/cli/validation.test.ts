import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { waitFor } from '@tradpal/event-system/testing'
import { type JsonObject, parseJson, stringifyJson } from '@tradpal/events'
import { describe, expect, test } from 'vitest'
import { newFolder } from '../../../../test/support/new-folder.ts'
import { runCommand } from './support/command.ts'
import { serviceTarget, sqliteTarget } from './support/targets.ts'

interface Shape {
  readonly event_type: string
  readonly data: JsonObject
}

const SHAPES = join(import.meta.dirname, '../compatibility/shapes.json')
const { accepted } = parseJson(readFileSync(SHAPES, 'utf8')) as unknown as { readonly accepted: readonly Shape[] }
const timestamp = '2026-11-23T08:49:10Z'
const NDJSON = accepted.map(({ event_type, data }) => `${stringifyJson({ event_type, timestamp, data })}\n`).join('')
const WRONG = `{"event_type":"trading_signal","timestamp":"${timestamp}","data":{"symbol":"X","action":"MAYBE"}}\n`
const INCOMPLETE = `{"event_type":"trading_signal","timestamp":"${timestamp}","data":{"symbol":"X"}}\n`

describe.each([
  ['an embedded log', sqliteTarget],
  ['a service', () => serviceTarget()]
])('the command line, over %s', (_, open) => {
  test('publishes, imports and exports what existing services send, as they send it', async () => {
    const folder = await newFolder()
    const file = join(folder, 'events.ndjson')
    await writeFile(file, NDJSON)
    await using published = await open()
    await using imported = await open()
    expect(await runCommand(['publish', '--file', file, ...published.options])).toMatchObject({ code: 0, stderr: '' })
    expect((await runCommand(['import', file, ...imported.options])).code).toBe(0)
    for (const { options } of [published, imported]) {
      const { stdout } = await runCommand(['export', ...options])
      const events = stdout
        .trimEnd()
        .split('\n')
        .map((line) => parseJson(line) as unknown as Shape)
      expect(events.map(({ event_type, data }) => ({ event_type, data }))).toEqual(
        accepted.map(({ event_type, data }) => ({ event_type, data }))
      )
    }
    const shown = await runCommand(['events', '--type', 'backtest_completed', ...published.options])
    expect(shown.stdout).toContain('backtest_complete ')
  })

  test('refuses a wrong value in a guarded field', async () => {
    await using target = await open()
    for (const command of [['publish'], ['import', '-']]) {
      const refused = await runCommand([...command, ...target.options], { input: WRONG })
      expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('data.signal') })
    }
  })

  test('shows where an invalid event is wrong', async () => {
    await using target = await open()
    await runCommand(['publish', 'trading_signal', '--data', '{"symbol": "X"}', ...target.options])
    await using system = await target.openSystem()
    system.registerHandler('trading_signal', () => {})
    await system.startConsuming({ group: 'brokers', from: 'start' })
    await waitFor(async () => (await system.deadLetters.count()) === 1)
    const [letter] = await system.deadLetters.list()
    const { stdout } = await runCommand(['dead-letters', 'show', letter?.id ?? '', ...target.options])
    expect(stdout).toMatch(/kind +invalid\n/)
    expect(stdout).toContain('\n  at /data/signal\n')
  })
})

test.each([
  ['publish over an embedded log', ['publish'], sqliteTarget],
  ['publish over a service', ['publish'], () => serviceTarget()],
  ['import over an embedded log', ['import', '-'], sqliteTarget]
])('%s checks at another level when EVENT_VALIDATION says so', async (_, command, open) => {
  await using target = await open()
  const run = (input: string, level: string) =>
    runCommand([...command, ...target.options], { input, env: { EVENT_VALIDATION: level } })
  const strict = await run(INCOMPLETE, 'strict')
  expect(strict).toMatchObject({ code: 2, stderr: expect.stringContaining('data.signal') })
  const misspelt = await run(WRONG, 'lenient')
  expect(misspelt).toMatchObject({ code: 2, stderr: expect.stringContaining('EVENT_VALIDATION must be strict or') })
})

test('import over a service checks at the level of the service', async () => {
  await using target = await serviceTarget()
  const command = ['import', '-', ...target.options]
  expect(await runCommand(command, { input: INCOMPLETE, env: { EVENT_VALIDATION: 'strict' } })).toMatchObject({
    code: 0
  })
})
