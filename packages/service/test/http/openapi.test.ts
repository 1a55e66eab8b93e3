import { Compile } from 'typebox/schema'
import { expect, test } from 'vitest'
import { get, madeForTheFile, serviceOver, withTheTest } from './support/test-service.ts'

type Parts = Readonly<Record<string, unknown>>

interface Operation extends Parts {
  readonly operationId?: string
  readonly summary?: string
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> }
  readonly responses: Readonly<Record<string, { readonly description?: string }>>
}

interface Parameter {
  readonly name: string
  readonly in: string
  readonly required: boolean
  readonly schema: Parts
  readonly example?: unknown
}

interface Media {
  readonly schema: Parts
  readonly example?: unknown
}

interface Description extends Parts {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Parts>> }
  readonly servers: readonly { readonly url: string }[]
}

const described = madeForTheFile(async (atEnd) => {
  const { url } = await serviceOver('sqlite', {}, {}, atEnd)
  return (await get(`${url}/openapi.json`)).body as Description
})

/** POSTs that act on something that a caller must have first: a delivery, a dead letter, a key, a group. */
const WITHOUT_EXAMPLE = [
  'acknowledgeDeliveries',
  'extendDeliveries',
  'requeueDeadLetter',
  'returnDeliveries',
  'rotateKey',
  'seekGroup'
]

test('every operation has an id of its own, a verb and a noun, and a summary', async () => {
  const operations = operationsOf(await described()).map(({ operation }) => operation)

  const ids = operations.map(({ operationId }) => operationId)
  expect(ids.filter((id) => !/^[a-z]+([A-Z][a-z]+)+$/.test(id ?? ''))).toEqual([])
  expect(new Set(ids).size).toBe(ids.length)
  expect(operations.filter(({ summary }) => summary === undefined)).toEqual([])
  expect(ids.length).toBeGreaterThan(40)
})

test('every response says in words what it is, and every operation says what a problem is', async () => {
  const responses = operationsOf(await described()).flatMap(({ operation }) =>
    Object.entries(operation.responses).map(([status, response]) => ({ id: operation.operationId, status, response }))
  )

  expect(responses.filter(({ response: { description = '' } }) => !/^[A-Z].{8,}/s.test(description))).toEqual([])
  expect(responses.filter(({ response: { description } }) => description === 'Default Response')).toEqual([])
  const problems = responses.filter(({ status }) => status === '4XX' || status === '5XX')
  const schema = { $ref: '#/components/schemas/Problem' }
  for (const { response } of problems) {
    expect(response).toMatchObject({ content: { 'application/problem+json': { schema } } })
  }
  expect(problems.length).toBe(operationsOf(await described()).length * 2)
})

test('an object that is described in two places is a component, and every reference leads to one', async () => {
  const { paths, components } = await described()
  const inline = new Map<string, number>()
  const references = new Set<string>()
  const count = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    const parts = value as Parts
    if (typeof parts.$ref === 'string') references.add(parts.$ref.replace('#/components/schemas/', ''))
    if (parts.type === 'object') inline.set(JSON.stringify(parts), (inline.get(JSON.stringify(parts)) ?? 0) + 1)
    for (const part of Object.values(parts)) count(part)
  }
  count(paths)
  for (const component of Object.values(components.schemas)) {
    for (const part of Object.values(component)) count(part)
  }

  expect([...inline].filter(([, times]) => times > 1).map(([schema]) => schema)).toEqual([])
  expect([...references].filter((name) => !Object.hasOwn(components.schemas, name))).toEqual([])
  expect(Object.keys(components.schemas)).toEqual(expect.arrayContaining(['DeadLetter', 'Problem', 'PublishReceipt']))
})

test('a parameter with a default may be left out', async () => {
  const parameters = operationsOf(await described()).flatMap(({ operation }) => operation.parameters ?? [])

  const withDefault = parameters.filter(({ schema }) => schema.default !== undefined)
  expect(withDefault.filter(({ required }) => required)).toEqual([])
  expect(withDefault.map(({ name }) => name)).toEqual(expect.arrayContaining(['limit', 'from_version']))
})

test('every example fits the schema beside it', async () => {
  const description = await described()
  const examples = examplesIn(description.paths).concat(examplesIn(description.components))

  for (const { schema, example } of examples) {
    const check = Compile(resolved(schema, description) as object)
    expect(check.Check(example), `${JSON.stringify(example)} of ${JSON.stringify(schema)}`).toBe(true)
  }
  expect(examples.length).toBeGreaterThan(20)
})

test('the example of a publish has no event id and no stream key: whoever runs it twice publishes two events', async () => {
  const { paths } = await described()

  for (const path of ['/events', '/events/batch']) {
    const { post } = paths[path] ?? {}
    const text = JSON.stringify(post?.requestBody?.content['application/json']?.example)
    expect(text).toContain('trading_signal')
    expect(text).not.toMatch(/event_id|stream_key/)
    expect(post?.parameters?.filter(({ example }) => example !== undefined)).toEqual([])
  }
})

test('every POST with an example can be executed as it stands, twice', async () => {
  const { url } = await serviceOver('sqlite', {}, {}, withTheTest)
  const posts = operationsOf(await described()).filter(({ method }) => method === 'post')
  const executable = posts.filter(({ operation }) => operation.requestBody === undefined || exampleOf(operation))

  const refused: string[] = []
  for (const { path, operation } of executable) {
    for (const time of ['first', 'second']) {
      const { status, text } = await execute(url, path, operation)
      if (status >= 300) refused.push(`${operation.operationId}, ${time} time: ${status} ${text}`)
    }
  }

  expect(refused).toEqual([])
  const others = posts.filter((post) => !executable.includes(post)).map(({ operation }) => operation.operationId ?? '')
  expect(others.sort()).toEqual(WITHOUT_EXAMPLE)
})

test('the server of the description is where the description is, behind a proxy with a path of its own too', async () => {
  const { servers } = await described()

  const [server] = servers.map(({ url }) => new URL(url, 'https://example.com/events-service/openapi.json').href)
  expect(server).toBe('https://example.com/events-service/')
})

function operationsOf({ paths }: Description) {
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method, operation }))
  )
}

function exampleOf({ requestBody }: Operation): unknown {
  return requestBody?.content['application/json']?.example
}

async function execute(url: string, path: string, operation: Operation) {
  const body = exampleOf(operation)
  const parameters = operation.parameters ?? []
  const query = new URLSearchParams()
  for (const { name, in: place, example } of parameters) {
    if (place === 'query' && example !== undefined) query.append(name, String(example))
  }
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name) => {
    const example = parameters.find((parameter) => parameter.name === name)?.example
    if (example === undefined) throw new Error(`${path} has no example of ${name}.`)
    return String(example)
  })
  return await get(`${url}${filled}?${query}`, {
    method: 'POST',
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json', accept: 'application/json' } })
  })
}

/** The examples of bodies and parameters, and those of schemas. */
function examplesIn(value: unknown): { readonly schema: unknown; readonly example: unknown }[] {
  if (typeof value !== 'object' || value === null) return []
  const { schema, example, examples } = value as Parts
  const ofMedia = schema === undefined || example === undefined ? [] : [{ schema, example }]
  const named = schema === undefined || typeof examples !== 'object' ? [] : Object.values(examples as object)
  const ofSchema = Array.isArray(examples) ? examples.map((one) => ({ schema: value, example: one })) : []
  const below = Object.entries(value).flatMap(([key, part]) =>
    key === 'example' || key === 'examples' ? [] : examplesIn(part)
  )
  return [...ofMedia, ...named.map((one) => ({ schema, example: one.value })), ...ofSchema, ...below]
}

/** A schema with each reference replaced by what it leads to. */
function resolved(value: unknown, description: Description): unknown {
  if (Array.isArray(value)) return value.map((item) => resolved(item, description))
  if (typeof value !== 'object' || value === null) return value
  const { $ref } = value as Parts
  if (typeof $ref === 'string') {
    return resolved(description.components.schemas[$ref.replace('#/components/schemas/', '')], description)
  }
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, resolved(part, description)]))
}
