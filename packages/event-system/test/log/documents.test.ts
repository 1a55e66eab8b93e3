import { expect, test } from 'vitest'
import { Documents, type Unit } from '../../src/log/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'

describeOnEachLog('documents', (logs) => {
  test('are put, got and removed one at a time, and each change grows the revision', async () => {
    const storage = await logs.open()
    const documents = new Documents(storage)
    expect(await documents.revision('keys')).toBe(0)
    expect(await documents.get('keys', 'a')).toBeUndefined()
    const first = (await documents.put('keys', 'a', 'one')) ?? 0
    const second = (await documents.put('keys', 'a', 'two')) ?? 0
    expect(second).toBeGreaterThan(first)
    expect(await new Documents(await logs.open()).get('keys', 'a')).toEqual({ id: 'a', value: 'two', revision: second })
    expect(await documents.revision('keys')).toBe(second)
    expect(await documents.remove('keys', 'a')).toBe(true)
    expect(await documents.remove('keys', 'a')).toBe(false)
    expect(await documents.get('keys', 'a')).toBeUndefined()
    expect(await documents.revision('keys')).toBeGreaterThan(second)
  })

  test('are put over what is expected alone, and then nothing changes otherwise', async () => {
    const documents = new Documents(await logs.open())
    const first = (await documents.put('keys', 'a', 'one', 0)) ?? 0
    expect(await documents.put('keys', 'a', 'two', 0)).toBeUndefined()
    expect(await documents.put('keys', 'a', 'two', first + 1)).toBeUndefined()
    expect(await documents.put('keys', 'b', 'two', first)).toBeUndefined()
    expect(await documents.all('keys')).toEqual([{ id: 'a', value: 'one', revision: first }])
    expect(await documents.put('keys', 'a', 'two', first)).toBeGreaterThan(first)
  })

  test('are written by one of many who expect the same', async () => {
    const handles = [new Documents(await logs.open()), new Documents(await logs.open())]
    const puts = Array.from({ length: 20 }, (_, i) => handles[i % 2]?.put('keys', 'a', `${i}`, 0))
    expect((await Promise.all(puts)).filter((revision) => revision !== undefined)).toHaveLength(1)
  })

  test('are removed by one of many, and by one that a put came before', async () => {
    const handles = [new Documents(await logs.open()), new Documents(await logs.open())] as const
    for (let round = 0; round < 10; round += 1) {
      await handles[0].put('keys', 'a', 'one')
      const removed = await Promise.all([handles[0].remove('keys', 'a'), handles[1].remove('keys', 'a')])
      expect(removed.filter((was) => was)).toHaveLength(1)
    }
    await handles[0].put('keys', 'a', 'one')
    await Promise.all([
      handles[0].remove('keys', 'a'),
      ...Array.from({ length: 5 }, (_, i) => handles[1].put('keys', 'b', `${i}`))
    ])
    expect((await handles[0].all('keys')).map(({ id }) => id)).toEqual(['b'])
  })

  test('are erased over the revision that is expected, and otherwise stay', async () => {
    const documents = new Documents(await logs.open())
    const first = (await documents.put('keys', 'a', 'secret')) ?? 0
    expect(await documents.erase('keys', 'a', 'gone', first + 1)).toBeUndefined()
    expect((await documents.get('keys', 'a'))?.value).toBe('secret')
    const erased = await documents.erase('keys', 'a', 'gone', first)
    expect(await documents.get('keys', 'a')).toEqual({ id: 'a', value: 'gone', revision: erased?.revision })
  })

  test('are all read, by id, also where they are more than one page', async () => {
    const storage = await logs.open()
    const documents = new Documents(storage)
    expect(await documents.all('keys')).toEqual([])
    const ids = Array.from({ length: 2_000 }, (_, i) => String(i).padStart(4, '0'))
    for (let from = 0; from < ids.length; from += 500) {
      const write = ids.slice(from, from + 500).map((id) => ({ collection: 'keys', id, value: `value of ${id}` }))
      expect(await storage.commit([{ write } satisfies Unit])).toMatchObject([{ kind: 'committed' }])
    }
    const all = await documents.all('keys')
    expect(all.map(({ id }) => id)).toEqual(ids)
    expect(all.every(({ id, value }) => value === `value of ${id}`)).toBe(true)
  })
})
