import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Event, EventSystem } from '@tradpal/event-system'
import { type Contender, type Contenders, timesInTurns } from '../contenders.ts'
import { marketDataBatch } from '../events.ts'
import type { BenchLog } from '../logs.ts'
import { type Comparison, spentMs } from '../measure.ts'

/** So many events are published in each turn. */
const TURN = 20_000
const TURNS = { warmUps: 3, turns: 6 }
const PUBLISHERS = 1_000

const IN_THE_WAY = `An event is sealed by a cipher of its own, which costs 3 to 4 µs of the publisher's thread: a third for making it,
the rest for what goes in and comes out; and it is a third longer.`

/** Publishing with encryption beside publishing without. */
export async function encrypting(log: BenchLog): Promise<Comparison[]> {
  const times = await timesInTurns(log.kind, ['publish encrypted', 'publish plainly'], TURNS)
  const [ours = 0, theirs = 0] = times.map((ms) => ((TURNS.turns * TURN) / ms) * 1_000)
  const what = `library, ${log.kind}: publish encrypted, ${PUBLISHERS.toLocaleString('en')} concurrent publishers`
  return [{ what, unit: 'events/s', ours, peer: 'without encryption', theirs, ratioFloor: 0.65, inTheWay: IN_THE_WAY }]
}

/** Those who publish with encryption, and without. */
export const encryptingPublishers: Contenders = {
  async 'publish encrypted'(log) {
    const plain = await log.system()
    const folder = await mkdtemp(join(tmpdir(), 'tradpal-bench-keys-'))
    const keysFile = join(folder, 'keys.json')
    const keys = { bench: Buffer.alloc(32, 'bench').toString('base64') }
    await writeFile(keysFile, JSON.stringify({ current: 'bench', keys }), { mode: 0o600 })
    const system = new EventSystem({ environment: {}, log: plain.log, encryption: { keysFile } })
    await system.initialize()
    return publisher(system, async () => {
      await plain.close()
      await rm(folder, { recursive: true, force: true })
    })
  },
  async 'publish plainly'(log) {
    return publisher(await log.system(), async () => {})
  }
}

function publisher(system: EventSystem, close: () => Promise<void>): Contender {
  return {
    turn() {
      const events = marketDataBatch(TURN)
      return spentMs(() => publishAll(system, events))
    },
    async close() {
      await system.close()
      await close()
    }
  }
}

async function publishAll(system: EventSystem, events: readonly Event[]): Promise<void> {
  let next = 0
  const publish = async () => {
    while (next < events.length) await system.publishEvent(events[next++] as Event)
  }
  await Promise.all(Array.from({ length: PUBLISHERS }, publish))
}
