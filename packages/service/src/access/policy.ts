import { type LimitName, mostGenerous, type OwnLimits } from '../limits/index.ts'
import { Scopes } from './scopes.ts'

/** What a policy file says. */
export interface PolicyContent {
  readonly roles?: Readonly<Record<string, Role>>
  readonly principals?: Readonly<Record<string, PrincipalContent>>
}

/** Scopes alone, or with them how much may be done. */
export type Role = readonly string[] | RoleWithLimits

interface RoleWithLimits {
  readonly scopes?: readonly string[]
  /** null: as much as they like. */
  readonly limits?: { readonly [Name in LimitName]?: number | null }
}

interface PrincipalContent extends RoleWithLimits {
  readonly roles?: readonly string[]
  readonly sources?: readonly string[]
}

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
  readonly #principals: readonly (readonly [name: string, content: PrincipalContent])[]
  readonly #grants = new Map<string, Grant>()

  constructor({ roles = {}, principals = {} }: PolicyContent) {
    this.#roles = Object.fromEntries(Object.entries(roles).map(([name, role]) => [name, grantOfRole(role)]))
    this.#principals = Object.entries(principals)
  }

  /** One that gives nobody anything. */
  static none(): Policy {
    return new Policy({})
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

  #matching(name: string): readonly (readonly [name: string, content: PrincipalContent])[] {
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
function ownLimits(limits: RoleWithLimits['limits']): OwnLimits | undefined {
  if (limits === undefined) return undefined
  return Object.fromEntries(Object.entries(limits).map(([name, limit]) => [name, limit ?? Number.POSITIVE_INFINITY]))
}

/** Names come from outside: no more of them are kept. */
const MOST_REMEMBERED = 10_000

/** What somebody may do by what their credential says and what the policy gives them. */
export function scopesOf(granted: Grant, further: readonly string[] = []): Scopes {
  return new Scopes([...granted.scopes, ...further])
}
