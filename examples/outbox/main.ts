import { runCrashingDesk } from './crashing-desk.ts'

/** So many orders come, and after each of these the desk is killed. */
const ORDERS = 400
const KILL_AFTER = [40, 90, 150, 210, 280, 350]

const result = await runCrashingDesk({ orders: ORDERS, killAfter: KILL_AFTER })
const { kills, taken, rejected, published } = result
const isSame = taken.length === published.length && taken.every((number, i) => published[i] === number)

console.log(`${ORDERS} orders came; the desk was killed ${kills} times.`)
console.log(`Its database has ${taken.length} of them; ${rejected} were rolled back, for want of cash.`)
console.log(`The log has ${published.length} events: ${isSame ? 'those orders, in their order.' : 'NOT those orders.'}`)
process.exitCode = isSame ? 0 : 1
