import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const SRC = new URL('../src/', import.meta.url)

it('the client, but for its entry for Node, imports nothing but the events, types of the API, the parser of event streams and its own files, and names no runtime', () => {
  const foreign = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && name !== 'node.ts')
    .flatMap((name) => {
      const text = readFileSync(new URL(name, SRC), 'utf8')
      const running = text.replaceAll(/^import type \* as Api from '@tradpal\/event-api'$/gm, '')
      const imported = [...running.matchAll(/(?:\bfrom\s|\bimport\s*\(?)\s*['"]([^'"]+)['"]/g)].map(
        (match) => match[1] ?? ''
      )
      const globals = text.match(/\b(?:process|Buffer|require|setImmediate|window)\s*[.(]/g) ?? []
      return [
        ...imported.filter((from) => !isOwn(from, name) && !/^(@tradpal\/events|eventsource-parser)$/.test(from)),
        ...globals
      ]
    })
  expect(foreign).toEqual([])
})

/** Whether an import of a file stays inside the sources. */
function isOwn(from: string, importer: string): boolean {
  return (
    from.startsWith('.') &&
    from !== './node.ts' &&
    from.endsWith('.ts') &&
    new URL(from, new URL(importer, SRC)).href.startsWith(SRC.href)
  )
}
