import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { runCrashingDesk } from './crashing-desk.ts'

it('publishes the orders that were taken, and no other, in their order, however often the desk is killed', async () => {
  const { kills, taken, rejected, published } = await runCrashingDesk({ orders: 250, killAfter: [1, 60, 120, 180] })

  expect(kills).toBe(4)
  expect(taken.length + rejected).toBe(250)
  expect(rejected).toBe(50)
  expect(published).toEqual(taken)
}, 60_000)

it('says so', async () => {
  const main = fileURLToPath(new URL('./main.ts', import.meta.url))
  const child = spawn(process.execPath, ['--conditions=tradpal-source', main], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'close')])

  expect(output).toMatch(/^400 orders came; the desk was killed 6 times\.$/m)
  expect(output).toMatch(/those orders, in their order\.$/m)
  expect(code).toBe(0)
}, 60_000)
