import { EventSystemError } from '@tradpal/event-system'
import { type CryptoKey, errors, type JWSHeaderParameters } from 'jose'

/** With what a token's signature is verified. */
export type TokenKey = CryptoKey | Uint8Array

/** What a token says of the key that it is signed with. All else in its header that leads to keys (jku, jwk, x5u) is not looked at. */
export type KeyHint = Required<Pick<JWSHeaderParameters, 'alg'>> & Pick<JWSHeaderParameters, 'kid'>

/** The keys of the issuer of tokens. */
export interface TokenKeys {
  /** Undefined when there is none such. Rejects with `issuer_unavailable` when nobody can know, and with `unauthenticated` when several fit. */
  find(hint: KeyHint): Promise<TokenKey | undefined>
  close(): void
}

/** A set of keys (RFC 7517). */
export type KeySet = (hint: KeyHint) => Promise<CryptoKey>

/** The one key of a set that a token means. Rejects as {@link TokenKeys.find} does. */
export async function keyAmong(set: KeySet, hint: KeyHint): Promise<TokenKey | undefined> {
  try {
    return await set(hint)
  } catch (cause) {
    if (cause instanceof errors.JWKSNoMatchingKey) return undefined
    if (cause instanceof errors.JWKSMultipleMatchingKeys) {
      throw new EventSystemError(
        'unauthenticated',
        'The token does not say by which key it is signed (kid), and several of its issuer fit.'
      )
    }
    throw new EventSystemError(
      'issuer_unavailable',
      'The key by which the token is signed is in the set of its issuer, but cannot be used.',
      { cause }
    )
  }
}
