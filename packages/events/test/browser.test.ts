import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const src = fileURLToPath(new URL('../src/', import.meta.url))
const sources = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(
  (path) => path.endsWith('.ts') && !path.endsWith('.test.ts')
)

test('the package imports nothing but typebox and itself, and names no global that only Node has', () => {
  expect(sources.length).toBeGreaterThan(10)
  for (const path of sources) {
    const text = readFileSync(`${src}${path}`, 'utf8')
    const imported = [...text.matchAll(/(?:from|import\()\s*'([^']+)'/g)].map((match) => match[1] as string)
    expect(
      imported.filter((name) => !name.startsWith('.') && !/^typebox(\/|$)/.test(name)),
      path
    ).toEqual([])
    expect(text, path).not.toMatch(/\b(?:process\.\w|Buffer\b|require\(|__dirname)/)
  }
})
