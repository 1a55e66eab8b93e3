import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Event, EventSystem } from '@tradpal/event-system'
import { marketDataBatch } from '../events.ts'
import type { BenchLog } from '../logs.ts'
import { type Comparison, ratesInTurns, type Scenario } from '../measure.ts'

const COUNT = 100_000
const TURN = 10_000
const WARM_UP = 20_000
const PUBLISHERS = 1_000

const IN_THE_WAY = `An event is sealed by a cipher of its own, which costs 3 to 4 µs of the publisher's thread, most of it for making
the cipher; and it is a third longer.`

/** Publishing with encryption beside publishing without, in turns. */
export function encrypting(log: BenchLog): Scenario {
  return {
    name: `encryption-${log.kind}`,
    async run() {
      const folder = await mkdtemp(join(tmpdir(), 'tradpal-bench-keys-'))
      const keysFile = join(folder, 'keys.json')
      const keys = { bench: Buffer.alloc(32, 'bench').toString('base64') }
      await writeFile(keysFile, JSON.stringify({ current: 'bench', keys }), { mode: 0o600 })
      try {
        return [await compare(log, keysFile)]
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    }
  }
}

async function compare(log: BenchLog, keysFile: string): Promise<Comparison> {
  await using plain = await log.system()
  await using encrypted = new EventSystem({ environment: {}, log: plain.log, encryption: { keysFile } })
  await encrypted.initialize()
  for (const system of [plain, encrypted]) await publishAll(system, marketDataBatch(WARM_UP))
  const events = marketDataBatch(COUNT)
  const others = marketDataBatch(COUNT)
  const { ours, theirs } = await ratesInTurns(COUNT, TURN, {
    ours: (from, to) => publishAll(encrypted, events.slice(from, to)),
    theirs: (from, to) => publishAll(plain, others.slice(from, to))
  })
  const what = `library, ${log.kind}: publish encrypted, ${PUBLISHERS.toLocaleString('en')} concurrent publishers`
  return { what, unit: 'events/s', ours, peer: 'without encryption', theirs, ratioFloor: 0.65, inTheWay: IN_THE_WAY }
}

async function publishAll(system: EventSystem, events: readonly Event[]): Promise<void> {
  let next = 0
  const publish = async () => {
    while (next < events.length) await system.publishEvent(events[next++] as Event)
  }
  await Promise.all(Array.from({ length: PUBLISHERS }, publish))
}
