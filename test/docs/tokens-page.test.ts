import { expect, test } from 'vitest'
import { readConfiguration } from '../../packages/service/src/configuration.ts'
import { listingsOf, pages } from './pages.ts'

const page = pages.find(({ path }) => path === 'docs/tokens.md') ?? { path: '', text: '' }
const examples = listingsOf(page).filter(({ language }) => language === 'ini')

test.each(examples.map(({ place, text }) => [place, text] as const))('%s is a configuration', (_, text) => {
  const environment = variablesOf(text)

  expect(readConfiguration(environment).service.access.jwt).toMatchObject({
    issuer: environment.EVENT_JWT_ISSUER,
    audience: environment.EVENT_JWT_AUDIENCE
  })
})

test('the default that the table gives a variable is what holds without it', () => {
  const [, text = ''] = examples.map((example) => example.text)
  const environment = variablesOf(text)
  const rows = [...page.text.matchAll(/^\| `(EVENT_JWT_\w+)` \|.*\| (.+) \|$/gm)]
  const defaults = rows.map(([, variable = '', value = '']) => [variable, value.replaceAll('`', '')] as const)
  const said = defaults.filter(([, value]) => !/^(required|this or|none is)/.test(value))
  const without = Object.fromEntries(
    Object.entries(environment).filter(([name]) => said.every(([one]) => one !== name))
  )

  expect(said).toHaveLength(5)
  expect(readConfiguration({ ...without, ...Object.fromEntries(said) })).toMatchObject({
    service: { access: readConfiguration(without).service.access }
  })
})

function variablesOf(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(/^(\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]))
}
