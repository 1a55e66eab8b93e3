import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InTurn } from './in-turn.ts'

describe('calls in turn', () => {
  it('go on in the order in which they came, whatever each waits for and whenever that ends, well or not', async () => {
    const call = fc.record({ needs: fc.constantFrom('nothing', 'something', 'what fails'), endsAs: fc.nat(50) })
    await fc.assert(
      fc.asyncProperty(fc.array(call, { maxLength: 20 }), async (calls) => {
        const turns = new InTurn()
        const wentOn: number[] = []
        const ends: { readonly at: number; readonly end: () => void }[] = []
        const publish = async (needs: Promise<void> | undefined, i: number) => {
          const turn = turns.after(needs)
          if (turn !== undefined) await turn.catch(() => {})
          wentOn.push(i)
        }
        const all = calls.map(({ needs, endsAs }, i) => {
          if (needs === 'nothing') return publish(undefined, i)
          const { promise, resolve, reject } = Promise.withResolvers<void>()
          ends.push({ at: endsAs, end: needs === 'something' ? resolve : () => reject(new Error('no')) })
          return publish(promise, i)
        })
        for (const { end } of ends.toSorted((a, b) => a.at - b.at)) {
          end()
          await Promise.resolve()
        }
        await Promise.all(all)
        expect(wentOn).toEqual(calls.map((_, i) => i))
        await turns.idle()
      })
    )
  })

  it('wait for nothing when nobody does', async () => {
    const turns = new InTurn()
    expect(turns.after(undefined)).toBeUndefined()
    await turns.after(Promise.resolve())
    await turns.idle()
    expect(turns.after(undefined)).toBeUndefined()
  })
})
