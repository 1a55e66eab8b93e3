import { describe, expect, expectTypeOf, it } from 'vitest'
import { waitFor } from '../../src/testing/index.ts'

describe('waitFor', () => {
  it('resolves to the first truthy answer', async () => {
    const answers = [undefined, false, 0, '', 'found', 'too late']
    expect(await waitFor(() => answers.shift())).toBe('found')
    expect(await waitFor(async () => 7)).toBe(7)
  })

  it('takes what is thrown for not yet, and rejects with the last of it', async () => {
    let calls = 0
    const condition = () => {
      calls++
      if (calls < 3) throw new Error(`call ${calls}`)
      return calls
    }
    expect(await waitFor(condition)).toBe(3)
    const failing = () => Promise.reject(new Error('as ever'))
    await expect(waitFor(failing, { timeoutMs: 20 })).rejects.toThrow('as ever')
  })

  it('says what did not come about in its time', async () => {
    await expect(waitFor(() => false, { timeoutMs: 20, what: 'the order' })).rejects.toThrow(
      'the order did not come about within 20 ms'
    )
  })

  it('does not wait for a condition that does not answer', async () => {
    const started = performance.now()
    await expect(waitFor(() => new Promise(() => {}), { timeoutMs: 20 })).rejects.toThrow('within 20 ms')
    expect(performance.now() - started).toBeLessThan(20_000)
  })

  it('is typed by what is truthy', () => {
    const find = (): false | string[] | undefined => ['found']
    expectTypeOf(waitFor(find)).resolves.toEqualTypeOf<string[]>()
  })
})
