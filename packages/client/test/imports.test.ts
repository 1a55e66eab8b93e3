import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const SRC = new URL('../src/', import.meta.url)

it('the client imports nothing but the events, the parser of event streams and its own files, and names no runtime', () => {
  const foreign = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .flatMap((name) => {
      const text = readFileSync(new URL(name, SRC), 'utf8')
      const imported = [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"]+)['"]/g)].map(
        (match) => match[1] ?? ''
      )
      const globals = text.match(/\b(?:process|Buffer|require|setImmediate|window)\s*[.(]/g) ?? []
      return [
        ...imported.filter((from) => !/^(\.\/.*\.ts|@tradpal\/events|eventsource-parser)$/.test(from)),
        ...globals
      ]
    })
  expect(foreign).toEqual([])
})
