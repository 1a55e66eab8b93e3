import { afterAll, afterEach, expect } from 'vitest'
import { takeLeaks } from '../../packages/service/test/support/leaks.ts'
import { endShared } from './shared-in-file.ts'

// Here, and not beside what they look after: hooks at the top of a module would hold for the first file that loads it, and no other.
afterEach(() => {
  expect(takeLeaks(), 'a secret is in a log line').toEqual([])
})
afterAll(endShared)
