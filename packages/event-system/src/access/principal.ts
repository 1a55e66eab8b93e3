import type { OwnLimits } from './limit-names.ts'
import { ALL_SCOPES, NO_SCOPES, type Scopes } from './scopes.ts'

/** How a principal proved its identity. */
export type Proof = 'api key' | 'token' | 'certificate' | 'operating system' | 'nothing'

/** What a credential proves, before a policy adds to it. */
export interface Identity {
  readonly name: string
  readonly proof: Proof
  /** The scopes of the credential itself. Default: none. */
  readonly scopes?: readonly string[]
  /** Names of roles of the policy. Roles that the policy does not have give nothing. Default: none. */
  readonly roles?: readonly string[]
  /** The sources as which the principal publishes. Default: those of the policy, or else its name. */
  readonly sources?: readonly string[]
  /** The id of the API key. */
  readonly keyId?: string
}

/** A caller, and what it may do. `Policy.principalOf` makes one. */
export interface Principal {
  readonly name: string
  readonly proof: Proof
  readonly scopes: Scopes
  /** The sources as which the principal publishes; an event that names none gets the first. A `*` at the end stands for every source that begins so. */
  readonly sources: readonly string[]
  /** The limits that the policy gives the principal. */
  readonly limits?: OwnLimits
  /** The id of the API key that proved the identity. */
  readonly keyId?: string
}

/** The name of callers without credentials. No credential may have it. */
export const ANONYMOUS = 'anonymous'

/** The caller where nobody is asked for credentials: it may do everything. */
export const ANYBODY: Principal = { name: ANONYMOUS, proof: 'nothing', scopes: ALL_SCOPES, sources: ['*'] }

/** A caller that showed no valid credentials: it may do nothing. */
export const STRANGER: Principal = { name: ANONYMOUS, proof: 'nothing', scopes: NO_SCOPES, sources: [] }

/**
 * The operator of a log: a user of the operating system whose own process has opened it, as `tradpal-events --log` does. They may do
 * everything, and their events are published as they are. No credential makes one.
 */
export function operator(user: string): Principal {
  return { name: `operator:${user}`, proof: 'operating system', scopes: ALL_SCOPES, sources: ['*'] }
}

/** Whether the principal is an {@link operator}. */
export function isOperator({ proof }: Principal): boolean {
  return proof === 'operating system'
}

/** Whether the principal proved its identity, or nobody is asked for credentials. */
export function isKnown(principal: Principal): boolean {
  return principal === ANYBODY || principal.proof !== 'nothing'
}

/** Whether the principal publishes as this source: one of its own, or one that begins as a `*` of its own says. */
export function owns({ sources }: Principal, source: string): boolean {
  return sources.some((own) => own === source || (own.endsWith('*') && source.startsWith(own.slice(0, -1))))
}
