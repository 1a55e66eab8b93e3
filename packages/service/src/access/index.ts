/**
 * Who may do what. A request's credentials (an API key, a token, a client certificate) make a {@link Principal}; keys,
 * tokens and the policy file say which scopes it has; each endpoint says which it needs (`http/guard.ts`). Nothing here knows HTTP.
 */
export { Access } from './access.ts'
export { forwardedAddresses, isPrivateAddress } from './addresses.ts'
export type { ApiKey, IssuedApiKey } from './api-keys.ts'
export { type AccessConfiguration, asksForCredentials, readAccess } from './configuration.ts'
export {
  allPublishedBy,
  mayKnowGroup,
  mayRead,
  mayReadAll,
  mustHave,
  publishedBy,
  readableTypes
} from './permissions.ts'
export { ANYBODY, isKnown, type Principal, type Proof, STRANGER } from './principal.ts'
export type { Scopes } from './scopes.ts'
