import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EventSystem, EventType } from '@tradpal/event-system'
import { openBooks, readBooks } from './books.ts'

export interface CrashingDeskOptions {
  /** How many orders come. */
  readonly orders: number
  /** After each of these the desk is killed. */
  readonly killAfter: readonly number[]
}

export interface CrashingDeskResult {
  readonly kills: number
  /** The numbers of the orders that are in the desk's database. */
  readonly taken: readonly number[]
  readonly rejected: number
  /** The numbers of the orders whose event is in the log, in its order. */
  readonly published: readonly number[]
}

/** Runs the desk until it is through, killing it on the way and starting it again, and looks into its database and the log. */
export async function runCrashingDesk({ orders, killAfter }: CrashingDeskOptions): Promise<CrashingDeskResult> {
  const folder = await mkdtemp(join(tmpdir(), 'outbox-example-'))
  const [path, logPath] = [join(folder, 'books.db'), join(folder, 'log.db')]
  try {
    let kills = 0
    for (const number of killAfter) if (await runDesk([path, logPath, String(orders)], number)) kills += 1
    await runDesk([path, logPath, String(orders)])
    const books = openBooks(path)
    const { orders: taken, rejected } = readBooks(books)
    books.close()
    return { kills, taken: taken.map(({ number }) => number), rejected, published: await publishedIn(logPath) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Resolves when the desk has ended, to whether it was killed. Rejects when it failed. */
async function runDesk(parameters: string[], killAt = Number.POSITIVE_INFINITY): Promise<boolean> {
  const file = fileURLToPath(new URL('./desk.ts', import.meta.url))
  const desk = fork(file, parameters, { execArgv: ['--conditions=tradpal-source'] })
  desk.on('message', (number) => {
    if (Number(number) >= killAt) desk.kill('SIGKILL')
  })
  const [code, signal] = await once(desk, 'exit')
  if (signal !== 'SIGKILL' && code !== 0) throw new Error(`The desk ended with ${signal ?? `exit code ${code}`}.`)
  return signal === 'SIGKILL'
}

async function publishedIn(logPath: string): Promise<number[]> {
  await using system = new EventSystem({ logPath })
  await system.initialize()
  const numbers: number[] = []
  for await (const { eventId } of system.readEvents({ eventType: EventType.ORDER_EXECUTED })) {
    numbers.push(Number(eventId.replace('order-', '')))
  }
  return numbers
}
