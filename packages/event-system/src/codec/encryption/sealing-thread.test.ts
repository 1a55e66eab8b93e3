import { createSecretKey, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { createEvent, type Event, EventType } from '@tradpal/events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { silentLogger } from '../../runtime/index.ts'
import { DerivedKeys } from './derived-keys.ts'
import type { Draft } from './draft.ts'
import { encryptingCodec } from './encrypting-codec.ts'
import { Sealer } from './sealer.ts'
import { SealingThread } from './sealing-thread.ts'

const keys = new Map(['key-1', 'key-2'].map((id) => [id, new DerivedKeys(createSecretKey(randomBytes(32)))]))
const codecOf = (current: string) =>
  encryptingCodec({
    sealer: new Sealer({ path: 'keys.json', ring: { current, keys } }),
    metadata: false,
    maxEventBytes: 1e6
  })
const codec = codecOf('key-1')

/** As many events, and their drafts: `by` the key of that id. */
function drafted(count: number, by = codec): { events: Event[]; drafts: Draft[] } {
  const events = Array.from({ length: count }, (_, i) =>
    createEvent(EventType.TRADING_SIGNAL, { symbol: `S${i}`, signal: 'BUY', confidence: 0.5 })
  )
  return { events, drafts: events.map((event) => by.draft?.(event) as Draft) }
}

/** One that runs: until then it does not seal. */
async function running(start: (() => Worker) | undefined = undefined) {
  let worker: Worker | undefined
  const warnings: unknown[] = []
  const make = start ?? (() => new Worker(new URL('./sealing-worker.ts', import.meta.url), { execArgv: [] }))
  const thread = new SealingThread({
    logger: { ...silentLogger, warn: (...what) => void warnings.push(what) },
    start: () => {
      worker = make()
      return worker
    }
  })
  onTestFinished(() => thread.close())
  expect(thread.seal(drafted(32).drafts)).toBeUndefined()
  await once(worker as unknown as Worker, 'online')
  return { thread, warnings, worker: worker as unknown as Worker }
}

describe('a sealing thread', () => {
  it('seals many at once elsewhere, each by itself, and they are what was published', async () => {
    const { thread } = await running()
    const { events, drafts } = drafted(250)
    const sealing = thread.seal(drafts)
    expect(drafts.filter(({ isSealed }) => isSealed)).toEqual([])
    await sealing
    expect(drafts.filter(({ isSealed }) => !isSealed)).toEqual([])
    expect(drafts.map(({ payload }) => codec.decode(payload))).toEqual(events)
    const first = drafts.map(({ payload }) => /\$encrypted":"1d\.key-1\.[\w-]+\.([\w-]{16})/.exec(payload)?.[1])
    expect(new Set(first).size).toBe(250)
  })

  it('seals few of them here', async () => {
    const { thread } = await running()
    const { drafts } = drafted(31)
    expect(thread.seal(drafts)).toBeUndefined()
    expect(drafts.filter(({ isSealed }) => !isSealed)).toEqual([])
  })

  it('answers in the order in which it was asked, though keys change in between', async () => {
    const { thread } = await running()
    const other = codecOf('key-2')
    const some = [drafted(40), drafted(40, other), drafted(40), drafted(40, other)]
    const mixed = [0, 2].flatMap((i) => [...(some[i]?.drafts ?? []), ...(some[i + 1]?.drafts ?? [])])
    const answered: string[] = []
    await Promise.all([
      thread.seal(mixed)?.then(() => answered.push('first')),
      thread.seal(drafted(40).drafts)?.then(() => answered.push('second'))
    ])
    expect(answered).toEqual(['first', 'second'])
    for (const { events, drafts } of some) expect(drafts.map(({ payload }) => codec.decode(payload))).toEqual(events)
  })

  it('what was sealed stays as it is when it comes again', async () => {
    const { thread } = await running()
    const { drafts } = drafted(64)
    await thread.seal(drafts)
    const sealed = drafts.map(({ payload }) => payload)
    await thread.seal(drafts)
    expect(drafts.map(({ payload }) => payload)).toEqual(sealed)
  })

  describe('that dies', () => {
    const dying = () =>
      new Worker("require('worker_threads').parentPort.on('message', () => { throw new Error('No.') })", { eval: true })

    it('leaves what it had in hand to be sealed here, as all that comes after, and a warning', async () => {
      const { thread, warnings, worker } = await running(dying)
      const { events, drafts } = drafted(100)
      const exited = new Promise((resolve) => worker.once('exit', resolve))
      await Promise.all([thread.seal(drafts), exited])
      expect(drafts.filter(({ isSealed }) => isSealed)).toEqual([])
      expect(drafts.map(({ payload }) => codec.decode(payload))).toEqual(events)
      const after = drafted(100)
      expect(thread.seal(after.drafts)).toBeUndefined()
      expect(after.drafts.map(({ payload }) => codec.decode(payload))).toEqual(after.events)
      expect(warnings).toEqual([
        [{ err: expect.objectContaining({ message: 'No.' }) }, expect.stringContaining('has died')]
      ])
    })
  })

  it('ends when it is closed', async () => {
    const { thread, worker } = await running()
    const exited = once(worker, 'exit')
    await thread.close()
    await exited
    const { drafts } = drafted(100)
    expect(thread.seal(drafts)).toBeUndefined()
  })
})
