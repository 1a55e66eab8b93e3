import { EventSystemError, parseJson } from '@tradpal/event-system'
import Type, { type Static, type TSchema } from 'typebox'
import { Errors } from 'typebox/value'
import { LIMIT_NAMES, type LimitName, mostGenerous, type OwnLimits } from '../limits/index.ts'
import { assertScope, Scopes } from './scopes.ts'

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
/** Scopes alone, or with them how much may be done. */
type Role = readonly string[] | Static<typeof roleWithLimits>

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

/** What a policy gives somebody. */
export interface Grant {
  readonly scopes: readonly string[]
  /** Undefined where the policy does not say. */
  readonly sources: readonly string[] | undefined
  /** Undefined where the policy does not say; of several, the most generous. */
  readonly limits: OwnLimits | undefined
}

/** What in a policy gives a scope. */
export interface PolicyReason {
  /** As it stands there. */
  readonly scope: string
  /** The name, or the beginning of names, under which it stands. */
  readonly principal: string
  /** Left out where it stands under the name itself. */
  readonly role?: string
}

const NOTHING: Grant = { scopes: [], sources: undefined, limits: undefined }

/** Who may do what, by name: as a file says it. A name that ends with `*` stands for all that begin so; what several say of one name adds up. */
export class Policy {
  readonly #roles: Readonly<Record<string, Grant>>
  readonly #principals: readonly (readonly [name: string, grant: Static<typeof grant>])[]
  readonly #grants = new Map<string, Grant>()

  private constructor({ roles = {}, principals = {} }: Static<typeof policyFile>) {
    this.#roles = Object.fromEntries(Object.entries(roles).map(([name, role]) => [name, grantOfRole(role)]))
    this.#principals = Object.entries(principals)
  }

  /** One that gives nobody anything. */
  static none(): Policy {
    return new Policy({})
  }

  /** Reads the text of a policy file. Throws `invalid_options`, with a line for each mistake. */
  static parse(text: string | Uint8Array): Policy {
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

  /** What somebody of this name is given, and by roles that they have from elsewhere. */
  grantOf(name: string, roles: readonly string[] = []): Grant {
    const own = this.#grantOfName(name)
    const further = this.#grantsOf(roles)
    return further.length === 0 ? own : sum([own, ...further])
  }

  #grantOfName(name: string): Grant {
    const known = this.#grants.get(name)
    if (known !== undefined) return known
    const matching = this.#matching(name)
    if (matching.length === 0) return NOTHING
    const grant = sum(
      matching.flatMap(([, { scopes = [], sources, limits, roles = [] }]) => [
        { scopes, sources, limits: ownLimits(limits) },
        ...this.#grantsOf(roles)
      ])
    )
    if (this.#grants.size < MOST_REMEMBERED) this.#grants.set(name, grant)
    return grant
  }

  /** Why somebody of this name has a scope, the first reason first: `undefined` when the policy does not give it. */
  reasonOf(name: string, scope: string): PolicyReason | undefined {
    const reasons = this.#matching(name).flatMap(([principal, { scopes = [], roles = [] }]) => [
      ...scopes.map((given) => ({ scope: given, principal })),
      ...roles.flatMap((role) =>
        this.#grantsOf([role]).flatMap(({ scopes: ofRole }) =>
          ofRole.map((given) => ({ scope: given, principal, role }))
        )
      )
    ])
    return reasons.find((reason) => new Scopes([reason.scope]).allow(scope))
  }

  #matching(name: string): readonly (readonly [name: string, grant: Static<typeof grant>])[] {
    return this.#principals.filter(
      ([pattern]) => pattern === name || (pattern.endsWith('*') && name.startsWith(pattern.slice(0, -1)))
    )
  }

  #grantsOf(roles: readonly string[]): Grant[] {
    return roles.flatMap((role) => (Object.hasOwn(this.#roles, role) ? (this.#roles[role] ?? []) : []))
  }
}

/** What several grants give together. */
function sum(grants: readonly Grant[]): Grant {
  const sources = grants.flatMap(({ sources = [] }) => sources)
  return {
    scopes: grants.flatMap(({ scopes }) => scopes),
    sources: sources.length === 0 ? undefined : sources,
    limits: mostGenerous(grants.flatMap(({ limits = [] }) => limits))
  }
}

function grantOfRole(role: Role): Grant {
  if (!('length' in role)) return { scopes: role.scopes ?? [], sources: undefined, limits: ownLimits(role.limits) }
  return { scopes: role, sources: undefined, limits: undefined }
}

/** As a file has them: null is none. */
function ownLimits(limits: Static<typeof roleWithLimits>['limits']): OwnLimits | undefined {
  if (limits === undefined) return undefined
  return Object.fromEntries(Object.entries(limits).map(([name, limit]) => [name, limit ?? Number.POSITIVE_INFINITY]))
}

/** Names come from outside: no more of them are kept. */
const MOST_REMEMBERED = 10_000

function mistakesIn(schema: TSchema, value: unknown, where = ''): string[] {
  const mistakes = Errors(schema, value).flatMap((error) => {
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

function scopeMistakes({ roles = {}, principals = {} }: Static<typeof policyFile>): string[] {
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

function roleMistakes({ roles = {}, principals = {} }: Static<typeof policyFile>): string[] {
  return Object.entries(principals).flatMap(([name, { roles: asked = [] }]) =>
    asked
      .filter((role) => !Object.hasOwn(roles, role))
      .map((role) => `/principals/${name}/roles: there is no role ${JSON.stringify(role)} in this file.`)
  )
}

function wrong(mistakes: readonly string[]): EventSystemError {
  return new EventSystemError('invalid_options', mistakes.join('\n'))
}

/** What somebody may do by what their credential says and what the policy gives them. */
export function scopesOf(granted: Grant, further: readonly string[] = []): Scopes {
  return new Scopes([...granted.scopes, ...further])
}
