import { setTimeout as sleep } from 'node:timers/promises'
import { EventSystem } from '@tradpal/event-system'

const GROUPS = 10
const SETTLE_MS = 2_000
const LOOK_MS = 10_000

/** A process with ten consumers, each of a group of its own, to which nothing comes. It says what share of one core that takes, in percent, and ends. */
const system = new EventSystem()
await system.initialize()
system.registerHandler('*', () => {})
for (let i = 0; i < GROUPS; i++) await system.startConsuming({ group: `group-${i}` })
await sleep(SETTLE_MS)
const before = process.cpuUsage()
await sleep(LOOK_MS)
const { user, system: kernel } = process.cpuUsage(before)
process.send?.(((user + kernel) / (LOOK_MS * 1_000)) * 100)
await system.close()
process.disconnect?.()
