import { expect, test } from 'vitest'
import { endShared, sharedInFile } from './shared-in-file.ts'

test('what is shared is made once, ended behind the file, and made anew for the next', async () => {
  let made = 0
  const ended: number[] = []
  const shared = sharedInFile(
    async () => ++made,
    async (one) => ended.push(one)
  )
  expect([await shared(), await shared()]).toEqual([1, 1])
  await endShared()
  await endShared()
  expect(ended).toEqual([1])
  expect(await shared()).toBe(2)
})
