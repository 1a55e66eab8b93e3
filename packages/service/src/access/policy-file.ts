import { EventSystemError, parseJson } from '@tradpal/event-system'
import Type, { type Static, type TSchema } from 'typebox'
import { Errors } from 'typebox/schema'
import { LIMIT_NAMES, type LimitName } from '../limits/index.ts'
import { Policy, type PolicyContent, type Role } from './policy.ts'
import { assertScope } from './scopes.ts'

const named = <Value extends Parameters<typeof Type.Record>[1]>(value: Value) =>
  Type.Record(Type.String({ minLength: 1, maxLength: 200 }), value)
const scopes = Type.Array(Type.String(), { description: 'What may be done.' })

const limit = Type.Optional(Type.Unsafe<number | null>({ type: ['integer', 'null'], minimum: 1 }))
const limits = Type.Object(
  Object.fromEntries(LIMIT_NAMES.map((name) => [name, limit])) as Record<LimitName, typeof limit>,
  {
    additionalProperties: false,
    description: 'How much may be done; null: as much as they like.'
  }
)
const roleWithLimits = Type.Object(
  { scopes: Type.Optional(scopes), limits: Type.Optional(limits) },
  { additionalProperties: false }
)
const grant = Type.Object(
  {
    roles: Type.Optional(Type.Array(Type.String())),
    scopes: Type.Optional(scopes),
    limits: Type.Optional(limits),
    sources: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 200 }), { minItems: 1 }))
  },
  { additionalProperties: false }
)

const policyFile = Type.Object(
  {
    $schema: Type.Optional(Type.String()),
    roles: Type.Optional(named(Type.Unsafe<Role>({}))),
    principals: Type.Optional(named(grant))
  },
  { additionalProperties: false }
)

/** Reads the text of a policy file. Throws `invalid_options`, with a line for each mistake. */
export function parsePolicy(text: string | Uint8Array): Policy {
  const content = jsonOf(text)
  const mistakes = mistakesIn(policyFile, content)
  if (mistakes.length > 0) throw wrong(mistakes)
  const file = content as Static<typeof policyFile>
  const ofRoles = Object.entries(file.roles ?? {}).flatMap(([name, role]) =>
    mistakesIn(Array.isArray(role) ? scopes : roleWithLimits, role, `/roles/${name}`)
  )
  if (ofRoles.length > 0) throw wrong(ofRoles)
  const further = [...scopeMistakes(file), ...roleMistakes(file)]
  if (further.length > 0) throw wrong(further)
  return new Policy(file)
}

function mistakesIn(schema: TSchema, value: unknown, where = ''): string[] {
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
