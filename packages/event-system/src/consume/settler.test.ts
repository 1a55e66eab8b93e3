import { expect, test } from 'vitest'
import { Held } from './held.ts'
import { Settler } from './settler.ts'

test('two flushes at the same time end, while the log takes its time, after a failure that stopped the sending', async () => {
  const answer = Promise.withResolvers<never[]>()
  let calls = 0
  const settled: string[] = []
  const settler = new Settler({
    acknowledge: () => (++calls === 1 ? Promise.reject(new Error('away')) : answer.promise),
    settle: async () => [],
    onSettled: ({ messageId }) => void settled.push(messageId),
    onRepeated: () => {},
    onFailure: async () => false
  })
  const delivery = { messageId: '1-0', appendedAt: 1, payload: null, attempt: 1 }
  settler.acknowledge(new Held(delivery, { event: undefined, key: undefined, error: undefined }))
  while (calls === 0) await new Promise(setImmediate)
  await new Promise(setImmediate)
  const flushes = [settler.flush(), settler.flush()]
  setTimeout(() => answer.resolve([]), 1)
  await Promise.all(flushes)
  expect({ calls, settled }).toEqual({ calls: 2, settled: ['1-0'] })
})
