import { type LimitName, mostGenerous, type OwnLimits } from './limit-names.ts'
import type { Identity, Principal } from './principal.ts'
import { Scopes } from './scopes.ts'

/** The content of a policy file. */
export interface PolicyContent {
  readonly roles?: Readonly<Record<string, Role>>
  /** By name. A name that ends with `*` stands for every name that begins so. */
  readonly principals?: Readonly<Record<string, PrincipalContent>>
}

/** Scopes alone, or scopes and limits. */
export type Role = readonly string[] | RoleWithLimits

interface RoleWithLimits {
  readonly scopes?: readonly string[]
  /** `null` is no limit. */
  readonly limits?: { readonly [Name in LimitName]?: number | null }
}

interface PrincipalContent extends RoleWithLimits {
  readonly roles?: readonly string[]
  readonly sources?: readonly string[]
}

/** What a policy gives a principal. */
export interface Grant {
  readonly scopes: readonly string[]
  /** `undefined` where the policy names none. */
  readonly sources: readonly string[] | undefined
  /** `undefined` where the policy names none; of several, the largest. */
  readonly limits: OwnLimits | undefined
}

/** The place in a policy that gives a scope. */
export interface PolicyReason {
  /** The scope as the policy has it. */
  readonly scope: string
  /** The name under which it stands; one with a `*` at its end stands for every name that begins so. */
  readonly principal: string
  /** The role that has the scope. Left out where the scope stands under the name itself. */
  readonly role?: string
}

const NOTHING: Grant = { scopes: [], sources: undefined, limits: undefined }

/**
 * What principals may do, by name. `parsePolicy` reads one from the text of a file. When several names of the policy stand for a
 * principal, it has everything that they give.
 */
export class Policy {
  readonly #roles: Readonly<Record<string, Grant>>
  readonly #principals: readonly (readonly [name: string, content: PrincipalContent])[]
  readonly #grants = new Map<string, Grant>()

  constructor({ roles = {}, principals = {} }: PolicyContent) {
    this.#roles = Object.fromEntries(Object.entries(roles).map(([name, role]) => [name, grantOfRole(role)]))
    this.#principals = Object.entries(principals)
  }

  /** A policy that gives nobody anything. */
  static none(): Policy {
    return new Policy({})
  }

  /** The principal of an identity: it has the scopes of its credential, and what the policy gives its name and its roles. Throws `invalid_argument` for a scope that does not exist. */
  principalOf({ name, proof, scopes = [], roles, sources, keyId }: Identity): Principal {
    const grant = this.grantOf(name, roles)
    return {
      name,
      proof,
      scopes: new Scopes([...grant.scopes, ...scopes]),
      sources: sources ?? grant.sources ?? [name],
      ...(grant.limits === undefined ? {} : { limits: grant.limits }),
      ...(keyId === undefined ? {} : { keyId })
    }
  }

  /** What the policy gives this name, and these further roles. */
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

  /** The first place in the policy that gives this name the scope; `undefined` when none does. */
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

/** The limits of a file, where `null` is no limit. */
function ownLimits(limits: RoleWithLimits['limits']): OwnLimits | undefined {
  if (limits === undefined) return undefined
  return Object.fromEntries(Object.entries(limits).map(([name, limit]) => [name, limit ?? Number.POSITIVE_INFINITY]))
}

/** Names come from callers: the grants of further names are not remembered. */
const MOST_REMEMBERED = 10_000
