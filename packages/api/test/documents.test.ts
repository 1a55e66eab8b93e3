import { Compile } from 'typebox/schema'
import { expect, test } from 'vitest'
import * as api from '../src/index.ts'

type Parts = Readonly<Record<string, unknown>>

const schemas = Object.entries(api).filter(
  (entry): entry is [string, (typeof entry)[1] & object] => typeof entry[1] === 'object'
)

test('what the description of the API names is exported under the same name', () => {
  const titled = new Set<string>()
  const find = (schema: object): void => {
    const { title, ...parts } = schema as Parts
    if (typeof title === 'string') titled.add(title)
    for (const part of Object.values(parts)) if (typeof part === 'object' && part !== null) find(part)
  }
  for (const [, schema] of schemas) find(schema)

  const misnamed = schemas.filter(([name, schema]) => 'title' in schema && schema.title !== name).map(([name]) => name)
  expect(misnamed).toEqual([])
  expect([...titled].filter((title) => !Object.hasOwn(api, title))).toEqual([])
})

test('a document with a title says in a sentence what it is', () => {
  const untold = schemas.filter(([, schema]) => {
    const { title, description = '' } = schema as Parts
    return title !== undefined && !/^[A-Z].*\.$/s.test(String(description))
  })

  expect(untold.map(([name]) => name)).toEqual([])
})

test('the examples of a document are of its form', () => {
  const examples = schemas.flatMap(([name, schema]) => {
    return ((schema as { examples?: readonly unknown[] }).examples ?? []).map((example) => ({ name, schema, example }))
  })

  for (const { name, schema, example } of examples) expect(Compile(schema).Check(example), name).toBe(true)
  expect(examples.length).toBeGreaterThan(8)
})

test('a request with a field that is not of its document is refused', () => {
  const closed = [api.PullRequest, api.NackRequest, api.TrimRequest, api.NewApiKey, api.EventQuery, api.AuditQuery]

  for (const schema of closed) expect(Compile(schema).Check({ misspelt: 1 })).toBe(false)
})
