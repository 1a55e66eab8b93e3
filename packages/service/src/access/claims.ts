import { EventSystemError } from '@tradpal/event-system'
import { ANONYMOUS, assertScope, type Identity } from '@tradpal/event-system/access'
import type { JwtConfiguration } from './jwt-configuration.ts'

/** What a token says, verified. */
export type Claims = Readonly<Record<string, unknown>>

/** A `*` would own the sources of others, and blanks around a name look like another name. */
const NAME = /^(?!\s)[^\p{Cc}\p{Cs}*]{1,200}(?<!\s)$/u

/** Who a token stands for, and with which scopes and roles. Throws `unauthenticated` when it names nobody. */
export function identityOfClaims(claims: Claims, names: JwtConfiguration): Identity {
  const name = claimAt(claims, names.principalClaim)
  if (typeof name !== 'string' || !NAME.test(name) || name === ANONYMOUS) {
    throw new EventSystemError(
      'unauthenticated',
      `The token names nobody: its ${names.principalClaim} must be a text of 1 to 200 characters, without control characters and *, no blank at its ends, and not ${ANONYMOUS}.`
    )
  }
  return {
    name,
    proof: 'token',
    scopes: textsOf(claimAt(claims, names.scopesClaim)).filter(isScope),
    roles: textsOf(claimAt(claims, names.rolesClaim))
  }
}

/** The claim of this name; and where there is none, each dot of the name leads into a claim. */
function claimAt(claims: unknown, name: string): unknown {
  if (typeof claims !== 'object' || claims === null) return undefined
  if (Object.hasOwn(claims, name)) return (claims as Claims)[name]
  for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
    const head = name.slice(0, dot)
    if (!Object.hasOwn(claims, head)) continue
    const found = claimAt((claims as Claims)[head], name.slice(dot + 1))
    if (found !== undefined) return found
  }
  return undefined
}

/** A list, or a text in which blanks part them, as `scope` is (RFC 8693, 4.2). What is neither says nothing. */
function textsOf(claim: unknown): readonly string[] {
  if (typeof claim === 'string') return claim.split(' ').filter((text) => text !== '')
  return Array.isArray(claim) ? claim.filter((text) => typeof text === 'string') : []
}

/** Issuers have scopes of their own (openid, profile): those are passed over. */
function isScope(text: string): boolean {
  try {
    assertScope(text)
    return true
  } catch {
    return false
  }
}
