import { EventSystemError, parseJson } from '@tradpal/event-system'
import Type, { type Static } from 'typebox'
import { Errors } from 'typebox/value'
import { assertScope, Scopes } from './scopes.ts'

const named = <Value extends Parameters<typeof Type.Record>[1]>(value: Value) =>
  Type.Record(Type.String({ minLength: 1, maxLength: 200 }), value)
const scopes = Type.Array(Type.String(), { description: 'What may be done.' })

const grant = Type.Object(
  {
    roles: Type.Optional(Type.Array(Type.String())),
    scopes: Type.Optional(scopes),
    sources: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 200 }), { minItems: 1 }))
  },
  { additionalProperties: false }
)

const policyFile = Type.Object(
  {
    $schema: Type.Optional(Type.String()),
    roles: Type.Optional(named(scopes)),
    principals: Type.Optional(named(grant))
  },
  { additionalProperties: false }
)

/** What a policy gives somebody. */
export interface Grant {
  readonly scopes: readonly string[]
  /** Undefined where the policy does not say. */
  readonly sources: readonly string[] | undefined
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

const NOTHING: Grant = { scopes: [], sources: undefined }

/** Who may do what, by name: as a file says it. A name that ends with `*` stands for all that begin so; what several say of one name adds up. */
export class Policy {
  readonly #roles: Readonly<Record<string, readonly string[]>>
  readonly #principals: readonly (readonly [name: string, grant: Static<typeof grant>])[]
  readonly #grants = new Map<string, Grant>()

  private constructor({ roles = {}, principals = {} }: Static<typeof policyFile>) {
    this.#roles = roles
    this.#principals = Object.entries(principals)
  }

  /** One that gives nobody anything. */
  static none(): Policy {
    return new Policy({})
  }

  /** Reads the text of a policy file. Throws `invalid_options`, with a line for each mistake. */
  static parse(text: string | Uint8Array): Policy {
    const content = jsonOf(text)
    // What an object must not have is named by the object; that its value is wrong too says nothing.
    const mistakes = Errors(policyFile, content)
      .filter(({ keyword }) => keyword !== 'boolean')
      .map(({ instancePath, message, params }) => {
        const unknown = (params as { additionalProperties?: readonly string[] }).additionalProperties
        if (unknown === undefined) return `${instancePath || 'The file'} ${message}.`
        const names = unknown.map((name) => JSON.stringify(name)).join(', ')
        return `${instancePath || 'The file'} has ${names}, which a policy does not have there.`
      })
    if (mistakes.length > 0) throw wrong(mistakes)
    const file = content as Static<typeof policyFile>
    const further = [...scopeMistakes(file), ...roleMistakes(file)]
    if (further.length > 0) throw wrong(further)
    return new Policy(file)
  }

  /** What somebody of this name is given, and by roles that they have from elsewhere. */
  grantOf(name: string, roles: readonly string[] = []): Grant {
    const own = this.#grantOfName(name)
    const ofRoles = roles.flatMap((role) => (Object.hasOwn(this.#roles, role) ? (this.#roles[role] ?? []) : []))
    return ofRoles.length === 0 ? own : { ...own, scopes: [...own.scopes, ...ofRoles] }
  }

  #grantOfName(name: string): Grant {
    const known = this.#grants.get(name)
    if (known !== undefined) return known
    const matching = this.#matching(name)
    if (matching.length === 0) return NOTHING
    const sources = matching.flatMap(([, { sources = [] }]) => sources)
    const grant: Grant = {
      scopes: this.#reasons(name).map(({ scope }) => scope),
      sources: sources.length === 0 ? undefined : sources
    }
    if (this.#grants.size < MOST_REMEMBERED) this.#grants.set(name, grant)
    return grant
  }

  /** Why somebody of this name has a scope, the first reason first: `undefined` when the policy does not give it. */
  reasonOf(name: string, scope: string): PolicyReason | undefined {
    return this.#reasons(name).find((reason) => new Scopes([reason.scope]).allow(scope))
  }

  #matching(name: string): readonly (readonly [name: string, grant: Static<typeof grant>])[] {
    return this.#principals.filter(
      ([pattern]) => pattern === name || (pattern.endsWith('*') && name.startsWith(pattern.slice(0, -1)))
    )
  }

  /** All that the policy gives somebody, and by what. */
  #reasons(name: string): PolicyReason[] {
    return this.#matching(name).flatMap(([principal, { scopes = [], roles = [] }]) => [
      ...scopes.map((scope) => ({ scope, principal })),
      ...roles.flatMap((role) => (this.#roles[role] ?? []).map((scope) => ({ scope, principal, role })))
    ])
  }
}

/** Names come from outside: no more of them are kept. */
const MOST_REMEMBERED = 10_000

function jsonOf(text: string | Uint8Array): unknown {
  try {
    return parseJson(text)
  } catch (cause) {
    throw new EventSystemError('invalid_options', (cause as Error).message, { cause })
  }
}

function scopeMistakes({ roles = {}, principals = {} }: Static<typeof policyFile>): string[] {
  const lists: [string, readonly string[]][] = [
    ...Object.entries(roles).map(([role, list]): [string, readonly string[]] => [`/roles/${role}`, list]),
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
