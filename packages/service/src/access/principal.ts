import type { OwnLimits } from '../limits/index.ts'
import { ALL_SCOPES, NO_SCOPES, type Scopes } from './scopes.ts'

/** How somebody proved who they are. */
export type Proof = 'api key' | 'token' | 'certificate' | 'nothing'

/** What a credential proves, before the policy is asked. */
export interface Identity {
  readonly name: string
  readonly proof: Proof
  readonly scopes?: readonly string[]
  readonly roles?: readonly string[]
  readonly sources?: readonly string[]
  readonly keyId?: string
}

/** Who asks, and what they may do. */
export interface Principal {
  readonly name: string
  readonly proof: Proof
  readonly scopes: Scopes
  /** The sources as which they publish; the first is that of an event which names none. */
  readonly sources: readonly string[]
  /** What the policy says of how much they may do, where it does. */
  readonly limits?: OwnLimits
  /** Of an API key: its id. */
  readonly keyId?: string
}

/** Whose name no credential may have: it stands for those who have none. */
export const ANONYMOUS = 'anonymous'

/** Who asks where nobody is asked for credentials. */
export const ANYBODY: Principal = { name: ANONYMOUS, proof: 'nothing', scopes: ALL_SCOPES, sources: ['*'] }

/** Who asks where nobody needs to be known, and is not. */
export const STRANGER: Principal = { name: ANONYMOUS, proof: 'nothing', scopes: NO_SCOPES, sources: [] }

/** Whether somebody may be told how things stand inside. */
export function isKnown(principal: Principal): boolean {
  return principal === ANYBODY || principal.proof !== 'nothing'
}

/** Whether a principal may say that an event comes from there: a source of its own, or one that begins as a `*` of its own says. */
export function owns({ sources }: Principal, source: string): boolean {
  return sources.some((own) => own === source || (own.endsWith('*') && source.startsWith(own.slice(0, -1))))
}
