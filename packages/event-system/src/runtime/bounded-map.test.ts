import { expect, test } from 'vitest'
import { BoundedMap } from './bounded-map.ts'

test('beyond as many keys as it may have, the key that was set first is forgotten', () => {
  const map = new BoundedMap<string, number>(2)
  map.set('a', 1).set('b', 2).set('a', 3).set('c', 4)

  expect([...map]).toEqual([
    ['b', 2],
    ['c', 4]
  ])
})
