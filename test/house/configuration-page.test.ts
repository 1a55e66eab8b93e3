import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readConfiguration } from '../../packages/service/src/configuration.ts'

const HOUSE = join(import.meta.dirname, '../..')
const page = readFileSync(join(HOUSE, 'docs/operating.md'), 'utf8')

test('the tables of the configuration name every variable that is read, and no other', () => {
  const asked = new Set<string>()
  readConfiguration(new Proxy({}, { get: (_, name) => void asked.add(String(name)) }))

  expect([...documented().keys()].sort()).toEqual([...asked].sort())
})

test('the default that the tables give a variable is what holds without it', () => {
  const defaults = [...documented()].filter(([, value]) => value !== undefined)

  for (const [variable, value] of defaults) expect(configured({ [variable]: value }), variable).toEqual(configured({}))
  expect(defaults.length).toBeGreaterThan(0)
})

test('the table of the metrics names every metric of the service with its type and labels, and no other', () => {
  const files = ['metrics', 'consumer-metrics', 'group-gauges', 'publishing-metrics', 'skipped-entries']
  const source = files.map((file) => readFileSync(join(HOUSE, `packages/service/src/http/${file}.ts`), 'utf8')).join()
  const made = [...source.matchAll(/new (Counter|Gauge|Histogram)\(\{\s+name: '(\w+)'(.*?)\}\)/gs)].map(
    ([, type = '', name = '', options = '']) => [
      name,
      type.toLowerCase(),
      /labelNames: \[([^\]]+)\]/.exec(options)?.[1]?.replaceAll("'", '`')
    ]
  )
  const shown = [...page.matchAll(/^\| `(event_service_\w+)` \| (\w+) \| (`[`\w, ]+`)? ?\|/gm)].map((row) =>
    row.slice(1)
  )

  expect(shown.toSorted()).toEqual(made.toSorted())
})

/** The variables of the tables, each with its default; undefined where that is told in words. */
function documented(): Map<string, string | undefined> {
  const section = page.split(/^## /m).find((part) => part.startsWith('Configuration\n')) ?? ''
  const rows = [...section.matchAll(/^\| `([A-Z_]+)` \|.*\| (.+) \|$/gm)]
  return new Map(rows.map(([, variable = '', value = '']) => [variable, /^`(.+)`$/.exec(value)?.[1]]))
}

/** What an environment makes of the service, as far as it can be seen from outside. */
function configured(environment: Record<string, string | undefined>) {
  const { service, system } = readConfiguration(environment)
  const { storage, consumerGroup, timeoutMs, maxGroups } = system
  return { service, consumerGroup, timeoutMs, maxGroups, kind: storage.kind, location: storage.location }
}
