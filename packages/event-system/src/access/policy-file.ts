import { EventSystemError, parseJson } from '@tradpal/events'
import { Errors } from 'typebox/schema'
import { LIMIT_NAMES } from './limit-names.ts'
import { Policy, type PolicyContent } from './policy.ts'
import { assertScope } from './scopes.ts'

const scopes = { type: 'array', items: { type: 'string' } }
const limit = { type: ['integer', 'null'], minimum: 1 }
const limits = {
  type: 'object',
  properties: Object.fromEntries(LIMIT_NAMES.map((name) => [name, limit])),
  additionalProperties: false
}
const roleWithLimits = { type: 'object', properties: { scopes, limits }, additionalProperties: false }
const principal = {
  type: 'object',
  properties: {
    roles: { type: 'array', items: { type: 'string' } },
    scopes,
    limits,
    sources: { type: 'array', items: { type: 'string', minLength: 1, maxLength: 200 }, minItems: 1 }
  },
  additionalProperties: false
}
const byName = (schema: object) => ({ type: 'object', patternProperties: { '.*': schema } })
const policyFile = {
  type: 'object',
  properties: { $schema: { type: 'string' }, roles: byName({}), principals: byName(principal) },
  additionalProperties: false
}

/** The policy that the text of a file has, as JSON. Throws `invalid_options`, with a line for each mistake that says where it is. */
export function parsePolicy(text: string | Uint8Array): Policy {
  const content = jsonOf(text)
  const mistakes = mistakesIn(policyFile, content)
  if (mistakes.length > 0) throw wrong(mistakes)
  const file = content as PolicyContent
  const ofRoles = Object.entries(file.roles ?? {}).flatMap(([name, role]) =>
    mistakesIn(Array.isArray(role) ? scopes : roleWithLimits, role, `/roles/${name}`)
  )
  if (ofRoles.length > 0) throw wrong(ofRoles)
  const further = [...scopeMistakes(file), ...roleMistakes(file)]
  if (further.length > 0) throw wrong(further)
  return new Policy(file)
}

function mistakesIn(schema: object, value: unknown, where = ''): string[] {
  const [, errors] = Errors(schema, value)
  const mistakes = errors.flatMap((error) => {
    const place = `${where}${error.instancePath}`
    if (error.keyword === 'additionalProperties') {
      return error.params.additionalProperties.map((name) => strange(place, name))
    }
    if (error.keyword !== 'boolean') return [`${place || 'The file'} ${error.message}.`]
    // Of a property that must not be there.
    const slash = place.lastIndexOf('/')
    return [strange(place.slice(0, slash), place.slice(slash + 1))]
  })
  return [...new Set(mistakes)]
}

function strange(place: string, name: string): string {
  return `${place || 'The file'} has ${JSON.stringify(name)}, which a policy does not have there.`
}

function jsonOf(text: string | Uint8Array): unknown {
  try {
    return parseJson(text)
  } catch (cause) {
    throw new EventSystemError('invalid_options', (cause as Error).message, { cause })
  }
}

function scopeMistakes({ roles = {}, principals = {} }: PolicyContent): string[] {
  const lists: [string, readonly string[]][] = [
    ...Object.entries(roles).map(([name, role]): [string, readonly string[]] =>
      'length' in role ? [`/roles/${name}`, role] : [`/roles/${name}/scopes`, role.scopes ?? []]
    ),
    ...Object.entries(principals).map(([name, { scopes = [] }]): [string, readonly string[]] => [
      `/principals/${name}/scopes`,
      scopes
    ])
  ]
  return lists.flatMap(([where, list]) =>
    list.flatMap((scope, i) => {
      try {
        assertScope(scope)
        return []
      } catch (error) {
        return [`${where}/${i}: ${(error as Error).message}`]
      }
    })
  )
}

function roleMistakes({ roles = {}, principals = {} }: PolicyContent): string[] {
  return Object.entries(principals).flatMap(([name, { roles: asked = [] }]) =>
    asked
      .filter((role) => !Object.hasOwn(roles, role))
      .map((role) => `/principals/${name}/roles: there is no role ${JSON.stringify(role)} in this file.`)
  )
}

function wrong(mistakes: readonly string[]): EventSystemError {
  return new EventSystemError('invalid_options', mistakes.join('\n'))
}
