import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { configure, type Environment, OPTIONS } from '../../packages/event-system/src/configuration/index.ts'
import {
  misspeltVariables,
  recordedEnvironment
} from '../../packages/event-system/src/configuration/misspelt-variables.ts'
import { readConfiguration, readServiceConfiguration } from '../../packages/service/src/configuration.ts'

const HOUSE = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(HOUSE, path), 'utf8')
const rows = [...read('docs/options.md').matchAll(/^\| `(\w+)` \|([^|]*)\|([^|]*)\|/gm)].map(
  ([, option = '', variables = '', shown = '']) => ({
    option,
    variables: [...variables.matchAll(/`([A-Z_]+)`/g)].map(([, variable = '']) => variable),
    /** Undefined where the page tells it in words. */
    fallback: /^`([^`]+)`$/.exec(shown.trim())?.[1]
  })
)
/** Every variable that a page names, those of the command line and the client included. */
const documented = new Set(
  ['docs/operating.md', 'docs/command-line.md', 'docs/options.md', 'docs/client.md'].flatMap((path) =>
    [...read(path).matchAll(/`((?:EVENT|METRICS|STREAM|REDIS|LOG)_[A-Z_]+)`/g)].map(([, variable = '']) => variable)
  )
)

test('the page of the options names every option of an event system, and no other', () => {
  expect(rows.map(({ option }) => option).sort()).toEqual(Object.keys(OPTIONS).sort())
})

test('the page of the options names every variable that an event system reads, and no other', () => {
  const { environment, known } = recordedEnvironment({})
  configure({ environment })

  expect(rows.flatMap(({ variables }) => variables).sort()).toEqual([...known].sort())
})

test('the default that the page gives an option is what holds without it', () => {
  const checked = rows.filter(({ option, fallback }) => fallback !== undefined && option !== 'environment')

  for (const { option, fallback = '', variables } of checked) {
    const value = /^\d+$/.test(fallback) ? Number(fallback) : fallback
    expect(configured({ [option]: value }), option).toEqual(configured({}))
    const [variable = ''] = variables
    expect(configured({ environment: { [variable]: fallback } }), variable).toEqual(configured({}))
  }
  expect(checked.length).toBeGreaterThan(10)
})

test('no variable of any page is taken for another that was misspelt', () => {
  const environment = Object.fromEntries([...documented].map((variable) => [variable, 'set']))

  for (const reading of [(variables: Environment) => configure({ environment: variables }), readServiceConfiguration]) {
    expect(misspeltVariables(environment, variablesOf(reading))).toEqual([])
  }
  expect(documented.size).toBeGreaterThan(50)
})

test('a variable that resembles one of the service is known as misspelt, and one like no other is not', () => {
  const { misspelt } = readServiceConfiguration({
    EVENT_SERVICE_PROT: '1',
    EVENT_MAX_BODY_BITES: '1',
    EVENT_OTHER: '1'
  })

  expect(misspelt).toEqual([
    { variable: 'EVENT_SERVICE_PROT', meant: 'EVENT_SERVICE_PORT' },
    { variable: 'EVENT_MAX_BODY_BITES', meant: 'EVENT_MAX_BODY_BYTES' }
  ])
})

test('a service knows every variable of its page where a letter is too many', () => {
  const tables = read('docs/operating.md').matchAll(/^\| `((?:EVENT|METRICS|STREAM|REDIS|LOG)_[A-Z_]+)` \|/gm)
  const variables = [...tables].map(([, variable = '']) => variable)

  for (const variable of variables) {
    const { service, system } = readConfiguration({ [`${variable}X`]: '1' })
    const meant = [...service.misspelt, ...system.misspelt].map((found) => found.meant)
    expect(meant, variable).toContain(variable)
  }
  expect(variables.length).toBeGreaterThan(80)
})

function variablesOf(reading: (environment: Environment) => unknown): ReadonlySet<string> {
  const { environment, known } = recordedEnvironment({})
  reading(environment)
  return known
}

/** What options make of an event system, as far as it can be seen from outside. */
function configured(options: object) {
  const { storage, publishing, consumerGroup, timeoutMs, healthBounds, maxGroups, ledgerRetentionMs, logSettings } =
    configure({
      environment: {},
      ...options
    })
  const { codec, ...ofPublishing } = publishing
  const place = { kind: storage.kind, location: storage.location }
  return { ...place, ofPublishing, consumerGroup, timeoutMs, healthBounds, maxGroups, ledgerRetentionMs, logSettings }
}
