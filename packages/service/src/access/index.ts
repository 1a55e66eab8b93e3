/**
 * Who may do what. A request's credentials (an API key, a token, a client certificate) make a {@link Principal}; keys,
 * tokens and the policy file say which scopes it has; each endpoint says which it needs (`http/guard.ts`). Nothing here knows HTTP.
 */
export { Access, type ClientCertificate, type Credentials } from './access.ts'
export { forwardedAddresses, isPrivateAddress, networkOf } from './addresses.ts'
export { type ApiKey, ApiKeys, type IssuedApiKey } from './api-keys.ts'
export { type AccessConfiguration, asksForCredentials, readAccess, type TlsFiles } from './configuration.ts'
export {
  allPublishedBy,
  mayAmend,
  mayKnowGroup,
  mayRead,
  mayReadAll,
  maySeeAllFigures,
  maySeeFigures,
  mustCount,
  mustHave,
  publishedBy,
  readableTypes
} from './permissions.ts'
export type { Policy, PolicyReason } from './policy.ts'
export { ANONYMOUS, ANYBODY, isKnown, type Principal, type Proof, STRANGER } from './principal.ts'
export { assertScope, type Scopes } from './scopes.ts'
export { withoutSecrets } from './secrets.ts'
