import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

test('the lock file names no host, so that any registry can serve it', () => {
  const lock = readFileSync(join(import.meta.dirname, '../../package-lock.json'), 'utf8')

  const resolved = [...lock.matchAll(/"resolved": "([^"]*)"/g)].map(([, place]) => place)

  expect(resolved.filter((place) => !place?.startsWith('packages/'))).toEqual([])
  expect(lock).not.toMatch(/https?:\/\/[^"]*\/-\//)
})
