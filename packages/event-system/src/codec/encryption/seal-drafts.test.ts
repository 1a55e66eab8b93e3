import { createSecretKey, randomBytes } from 'node:crypto'
import { createEvent, type Event, EventType } from '@tradpal/events'
import { describe, expect, it, vi } from 'vitest'
import { DerivedKeys } from './derived-keys.ts'
import type { Draft } from './draft.ts'
import { encryptingCodec } from './encrypting-codec.ts'
import { sealDrafts } from './seal-drafts.ts'
import { Sealer } from './sealer.ts'

const keys = new Map(['key-1', 'key-2'].map((id) => [id, new DerivedKeys(createSecretKey(randomBytes(32)))]))
const codecOf = (current: string) =>
  encryptingCodec({
    sealer: new Sealer({ path: 'keys.json', ring: { current, keys } }),
    metadata: false,
    maxEventBytes: 1e6
  })
const codec = codecOf('key-1')

/** As many events, and their drafts: `by` the key of that id. */
function drafted(count: number, { by = codec, reasoning = '' } = {}): { events: Event[]; drafts: Draft[] } {
  const events = Array.from({ length: count }, (_, i) =>
    createEvent(EventType.TRADING_SIGNAL, { symbol: `S${i}`, signal: 'BUY', confidence: 0.5, reasoning })
  )
  return { events, drafts: events.map((event) => by.draft?.(event) as Draft) }
}

function expectSealed(...some: readonly ReturnType<typeof drafted>[]): void {
  for (const { events, drafts } of some) {
    expect(drafts.filter(({ isSealed }) => !isSealed)).toEqual([])
    expect(drafts.map(({ payload }) => codec.decode(payload))).toEqual(events)
  }
}

describe('drafts that are sealed together', () => {
  it.each([0, 1, 7, 8, 64, 65, 250])('are what was published: %i of them', (count) => {
    const some = drafted(count)
    sealDrafts(some.drafts)
    expectSealed(some)
  })

  it('are each sealed with its key and at its place, the long ones among them too', () => {
    const some = [drafted(40), drafted(40, { by: codecOf('key-2') }), drafted(3, { reasoning: 'long '.repeat(1_000) })]
    const inTurns = Array.from({ length: 40 }, (_, i) => some.flatMap(({ drafts }) => drafts[i] ?? []))
    sealDrafts(inTurns.flat())
    expectSealed(...some)
    const keyIds = some.map(({ drafts }) =>
      drafts.map(({ payload }) => /\$encrypted":"1d\.([\w-]+)\./.exec(payload)?.[1])
    )
    expect(keyIds.map((ids) => [...new Set(ids)])).toEqual([['key-1'], ['key-2'], ['key-1']])
  })

  it('stay as they are when they come again, with others or without', () => {
    const [some, more] = [drafted(64), drafted(64)]
    sealDrafts(some.drafts)
    const sealed = some.drafts.map(({ payload }) => payload)
    sealDrafts([...some.drafts, ...more.drafts])
    expect(some.drafts.map(({ payload }) => payload)).toEqual(sealed)
    expectSealed(some, more)
  })

  it('are sealed where a process may compile no code', async () => {
    vi.stubGlobal('WebAssembly', undefined)
    vi.resetModules()
    const inSuchAProcess = await import('./seal-drafts.ts')
    const some = drafted(64)
    inSuchAProcess.sealDrafts(some.drafts)
    vi.unstubAllGlobals()
    expectSealed(some)
  })
})
