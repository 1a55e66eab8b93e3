import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createContext, runInContext } from 'node:vm'
import { rolldown } from 'rolldown'
import { expect, test } from 'vitest'

const src = fileURLToPath(new URL('../src/', import.meta.url))
const sources = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(
  (path) => path.endsWith('.ts') && !path.endsWith('.test.ts')
)

test('the package imports nothing but typebox, uuid and itself, and names no global that only Node has', () => {
  expect(sources.length).toBeGreaterThan(10)
  for (const path of sources) {
    const text = readFileSync(`${src}${path}`, 'utf8')
    const imported = [...text.matchAll(/(?:from|import\()\s*'([^']+)'/g)].map((match) => match[1] as string)
    expect(
      imported.filter((name) => !name.startsWith('.') && !/^(typebox|uuid)(\/|$)/.test(name)),
      path
    ).toEqual([])
    expect(text, path).not.toMatch(/\b(?:process\.\w|Buffer\b|require\(|__dirname)/)
  }
})

test('bundled for a browser, with all that it imports, the package makes events where only web globals are', async () => {
  const bundle = await rolldown({ input: `${src}index.ts`, platform: 'browser' })
  const { output } = await bundle.generate({ format: 'iife', name: 'events' })
  await bundle.close()
  const context = createContext({ crypto: globalThis.crypto, TextEncoder, TextDecoder, URL, console, performance })
  runInContext(output[0].code, context)
  const made = runInContext(
    "events.encodeEvent(events.createEvent('trading_signal', { symbol: 'BTC/USDT', signal: 'BUY' }, { source: 'a page' }))",
    context
  )
  expect(JSON.parse(made)).toMatchObject({
    event_type: 'trading_signal',
    event_id: expect.stringMatching(/^[\da-f-]{36}$/)
  })
})
