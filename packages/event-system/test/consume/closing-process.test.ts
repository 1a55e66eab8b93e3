import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newFolder } from '../../../../test/support/new-folder.ts'

test('a process ends only when its consumer has handed back the event of a handler that never ends', async () => {
  const source = new URL('../../src/index.ts', import.meta.url).href
  const script = `
    import { createEvent, EventSystem } from '${source}'
    const system = new EventSystem({ logPath: ${JSON.stringify(join(await newFolder(), 'events.db'))}, environment: {} })
    await system.initialize()
    const begun = Promise.withResolvers()
    system.registerHandler('*', () => { begun.resolve(); return new Promise(() => {}) }, { name: 'never' })
    const consumer = await system.startConsuming({ group: 'g', from: 'start' })
    await system.publishEvent(createEvent('risk_alert', { message: 'drawdown' }))
    await begun.promise
    console.log(JSON.stringify(await consumer.close({ timeoutMs: 300 })))
    await system.close()`
  const flags = ['--conditions=tradpal-source', '--input-type=module', '--eval', script]
  expect(execFileSync(process.execPath, flags, { encoding: 'utf8' })).toBe('{"handedBack":0,"unfinished":1}\n')
})
