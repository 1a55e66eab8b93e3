import { createEvent, type EventSystem } from '@tradpal/event-system'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { runCommand } from './support/command.ts'
import { serviceTarget, sqliteTarget } from './support/targets.ts'

const signal = () => createEvent('trading_signal', { symbol: 'BTC/USDT', signal: 'BUY' })
const price = () => createEvent('market_data_update', { symbol: 'BTC/USDT', price: 1 })

describe.each([
  ['an embedded log', sqliteTarget],
  ['a service', () => serviceTarget()]
])('trim, over %s', (_, open) => {
  async function openEvents() {
    const target = await open()
    const system: EventSystem = await target.openSystem()
    await system.publishBatch([price(), signal(), price(), signal(), price()])
    const run = (...args: string[]) => runCommand(['trim', ...args, ...target.options])
    const left = async () => (await system.getEvents()).map(({ eventType }) => eventType)
    const close = async () => {
      await system.close()
      await target[Symbol.asyncDispose]()
    }
    return { system, run, left, close }
  }

  /** Those of the test that runs. */
  async function withEvents() {
    const opened = await openEvents()
    onTestFinished(opened.close)
    return opened
  }

  test('removes what is beyond the limits of the log and of its types', async () => {
    const { run, left } = await withEvents()
    expect(await run('--type', 'market_data_update=1', '--max-age', '30d')).toMatchObject({
      code: 0,
      stdout: '2 events removed\n'
    })
    expect(await left()).toEqual(['trading_signal', 'trading_signal', 'market_data_update'])
    expect((await run('--max-length', '2')).stdout).toBe('1 event removed\n')
    expect((await run('--max-bytes', '0', '--json')).stdout).toBe(
      '{"removed":2,"lost":0,"lostByGroup":{},"lostByCursor":{},"guarded":false,"dryRun":false}\n'
    )
    expect(await left()).toEqual([])
  })

  test('shows what would go and what is kept for whom, before anything is lost', async () => {
    const { system, run, left } = await withEvents()
    const group = system.storage.queue('desk')
    await group.create('start')
    await group.acknowledge('one', await group.read('one', { limit: 2, waitMs: 0 }))
    expect((await run('--max-length', '1', '--dry-run')).stdout).toBe('2 events would be removed\nkept for desk: 2\n')
    expect(await left()).toHaveLength(5)
    const kept = await run('--max-length', '1')
    expect(kept.stdout).toMatch(/^2 events removed\nSome stay beyond the limits: consumer groups have not/)
    expect((await run('--max-length', '1', '--force')).stdout).toBe('2 events removed\nlost to desk: 2\n')
    expect(await left()).toEqual(['market_data_update'])
  })

  describe('refuses', () => {
    let opened: Awaited<ReturnType<typeof openEvents>>
    beforeAll(async () => {
      opened = await openEvents()
    })
    afterAll(() => opened?.close())

    test.each([
      [['--max-age', 'soon'], 2, '"soon" is no age such as'],
      [['--type', 'market_data_update'], 2, 'is no limit of a type such as'],
      [['--type', 'market_data_updates=1d'], 2, 'There is no event type market_data_updates'],
      [[], 2, 'There is no retention policy']
    ] as const)('%j, and removes nothing', async (args, code, message) => {
      const { run, left } = opened
      expect(await run(...args)).toMatchObject({ code, stderr: expect.stringContaining(message) })
      expect(await left()).toHaveLength(5)
    })
  })
})

test('without limits, those of the environment are those of an opened log', async () => {
  await using target = await sqliteTarget()
  await using system = await target.openSystem()
  await system.publishBatch([price(), signal(), price()])
  const env = { EVENT_RETENTION_BY_TYPE: 'market_data_update=1' }
  const { stdout } = await runCommand(['trim', '--dry-run', ...target.options], { env })
  expect(stdout).toBe('1 event would be removed\n')
  const wrong = await runCommand(['trim', ...target.options], { env: { EVENT_RETENTION_MAX_AGE: '1' } })
  expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('EVENT_RETENTION_MAX_AGE: "1" is no age') })
})
