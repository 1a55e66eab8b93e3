import { waitFor } from '@tradpal/event-system/testing'
import { expect, test } from 'vitest'
import { ServiceProcess } from './client/support.ts'
import { get, newLog, post, signal } from './http/support/test-service.ts'

test('the service gives back at rest what a load has made its heap take', { timeout: 60_000 }, async () => {
  const { url } = await ServiceProcess.start(await newLog('sqlite'))
  const heapBytes = async () => {
    const { text } = await get(`${url}/metrics`)
    return Number(/^nodejs_heap_size_total_bytes (\S+)/m.exec(text)?.[1])
  }
  const batch = JSON.stringify(Array.from({ length: 500 }, () => signal()))
  let loaded = 0
  for (let i = 0; i < 100; i++) {
    await post(`${url}/events/batch`, batch)
    if (i % 10 === 9) loaded = Math.max(loaded, await heapBytes())
  }
  let lastLook = 0
  const atRest = await waitFor(
    async () => {
      // Looking is work too: not so often that the service never rests.
      if (performance.now() - lastLook < 2_000) return false
      lastLook = performance.now()
      const bytes = await heapBytes()
      return bytes < loaded * 0.7 && bytes
    },
    { timeoutMs: 40_000, what: 'a smaller heap' }
  )
  expect(atRest).toBeLessThan(loaded)
})
