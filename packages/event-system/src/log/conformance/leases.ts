import assert from 'node:assert/strict'
import { eventually, rejectsWith } from './expect.ts'
import type { ConformanceCase } from './harness.ts'

const LONG_MS = 600_000

export const leaseCases: readonly ConformanceCase[] = [
  {
    title: 'leases.acquire: of those that ask for a lease, one has it; each name is its own, in the order of the names',
    async run(harness) {
      const [ours, theirs] = [(await harness.open()).leases, (await harness.open()).leases]
      const [first, second] = await ours.acquire(['a', 'größe 💱'], { holder: 'one', ttlMs: LONG_MS })
      assert.ok(Number.isSafeInteger(first) && Number.isSafeInteger(second))
      const asked = await theirs.acquire(['b', 'a', 'größe 💱'], { holder: 'two', ttlMs: LONG_MS })
      assert.deepEqual([typeof asked[0], asked[1], asked[2]], ['number', undefined, undefined])
      assert.deepEqual(await ours.acquire([], { holder: 'one', ttlMs: LONG_MS }), [])
    }
  },
  {
    title: 'leases.acquire: of many that race for a lease, one has it',
    async run(harness) {
      const handles = await Promise.all(Array.from({ length: 4 }, () => harness.open()))
      const tokens = await Promise.all(
        Array.from({ length: 20 }, (_, i) => handles[i % 4]?.leases.acquire(['a'], { holder: `${i}`, ttlMs: LONG_MS }))
      )
      assert.equal(tokens.flat().filter((token) => token !== undefined).length, 1)
    }
  },
  {
    title: 'leases.acquire: the holder keeps the token of its own, also where that had ended and nobody took it',
    async run(harness) {
      const { leases } = await harness.open()
      const [token] = await leases.acquire(['a'], { holder: 'one', ttlMs: 1 })
      await eventually('the end of the lease', async () => (await leases.list('')).length === 0)
      assert.deepEqual(await leases.acquire(['a'], { holder: 'one', ttlMs: LONG_MS }), [token])
      assert.deepEqual(await leases.acquire(['a'], { holder: 'one', ttlMs: LONG_MS }), [token])
    }
  },
  {
    title: 'leases.acquire: a lease that has ended, or was released, goes to the next holder with a greater token',
    async run(harness) {
      const { leases } = await harness.open()
      let last = 0
      for (const holder of ['one', 'two', 'three', 'four']) {
        const [token = 0] = await eventually('the lease', async () => {
          const tokens = await leases.acquire(['a'], { holder, ttlMs: holder === 'two' ? 50 : LONG_MS })
          return tokens[0] !== undefined && tokens
        })
        assert.ok(token > last, `${token} was to be greater than ${last}`)
        last = token
        if (holder !== 'two') await leases.release(['a'], holder)
      }
    }
  },
  {
    title: 'leases.release: ends only what the holder has',
    async run(harness) {
      const { leases } = await harness.open()
      await leases.acquire(['a', 'b'], { holder: 'one', ttlMs: LONG_MS })
      await leases.release(['a', 'b', 'never taken'], 'two')
      await leases.release(['b'], 'one')
      assert.deepEqual(await leases.acquire(['a'], { holder: 'two', ttlMs: LONG_MS }), [undefined])
      assert.deepEqual(
        (await leases.list('')).map(({ name }) => name),
        ['a']
      )
    }
  },
  {
    title: 'leases.list: the leases that somebody has, by name, and those alone whose names begin so',
    async run(harness) {
      const { leases } = await harness.open()
      const [second, first] = await leases.acquire(['g/2', 'g/1'], { holder: 'one two', ttlMs: 60_000 })
      await leases.acquire(['h/1', 'g_1'], { holder: 'other', ttlMs: 60_000 })
      const listed = await leases.list('g/')
      assert.deepEqual(
        listed.map(({ name, holder, token }) => [name, holder, token]),
        [
          ['g/1', 'one two', first],
          ['g/2', 'one two', second]
        ]
      )
      for (const { expiresInMs } of listed) assert.ok(expiresInMs > 0 && expiresInMs <= 60_000, `${expiresInMs}`)
      assert.equal((await leases.list('')).length, 4)
      assert.deepEqual(await leases.list('nothing'), [])
    }
  },
  {
    title: 'leases: a name, a holder or a time that is none is refused, and nothing of the call is taken',
    async run(harness) {
      const { leases } = await harness.open()
      const terms = { holder: 'one', ttlMs: LONG_MS }
      for (const name of ['', 'n'.repeat(501)])
        await rejectsWith(() => leases.acquire(['a', name], terms), 'invalid_argument')
      for (const wrong of [
        { holder: '' },
        { holder: 'h'.repeat(201) },
        { ttlMs: 0 },
        { ttlMs: 1.5 },
        { ttlMs: 86_400_001 }
      ])
        await rejectsWith(() => leases.acquire(['a'], { ...terms, ...wrong }), 'invalid_argument')
      await rejectsWith(() => leases.acquire(Array(2_001).fill('a'), terms), 'invalid_argument')
      await rejectsWith(() => leases.release([''], 'one'), 'invalid_argument')
      await rejectsWith(() => leases.release(['a'], ''), 'invalid_argument')
      assert.deepEqual(await leases.list(''), [])
    }
  }
]
