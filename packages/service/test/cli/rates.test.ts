import { createEvent } from '@tradpal/event-system'
import { describe, expect, onTestFinished, test } from 'vitest'
import { runCommand } from './support/command.ts'
import { serviceTarget, sqliteTarget } from './support/targets.ts'

describe.each([
  ['an embedded log', sqliteTarget],
  ['a service', () => serviceTarget()]
])('rates, over %s', (_, open) => {
  test('shows how many events of each type came, the most first, for people and for machines', async () => {
    const target = await open()
    onTestFinished(() => target[Symbol.asyncDispose]())
    const system = await target.openSystem()
    onTestFinished(async () => void (await system.close()))
    const run = (...args: string[]) => runCommand(['rates', '--per', 'hour', ...args, ...target.options])
    expect(await run('--end', '2020-01-01')).toMatchObject({ code: 0, stdout: '', stderr: 'no events in this time\n' })
    await system.publishBatch([
      createEvent('system_health', {}),
      createEvent('risk_alert', {}),
      createEvent('risk_alert', {})
    ])
    const { code, stdout } = await run()
    expect(code).toBe(0)
    expect(stdout).toMatch(/^TIME \(UTC\) +TYPE +EVENTS\n[\dT:-]{16} +risk_alert +2\n[\dT:-]{16} +system_health +1\n$/)
    expect(JSON.parse((await run('--type', 'risk_alert', '--json')).stdout)).toEqual({
      rates: [{ at: expect.stringMatching(/T\d\d:00:00\.000\+00:00$/), counts: { risk_alert: 2 } }]
    })
    expect(await run('--start', '1h', '--end', '2h')).toMatchObject({ code: 2 })
  })
})
