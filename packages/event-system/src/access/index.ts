/**
 * Permissions of principals. A credential, such as an API key, proves an identity; a policy adds scopes to it and makes it a
 * {@link Principal}; the functions of `permissions.ts` say what a principal may do. The keys are documents of the log.
 * `EventSystem` itself asks nobody: a program that embeds it calls these parts where its own callers come in.
 */
import '../runtime/index.ts'

export type { ApiKey, IssuedApiKey, ListedApiKey } from '@tradpal/events'
export {
  ApiKeys,
  identityOfKey,
  type NewApiKey,
  type RotateApiKeyOptions
} from './api-keys.ts'
export { KeyBook, type KeyBookOptions } from './key-book.ts'
export {
  type LimitName,
  type OwnLimits,
  RATE_NAMES,
  type RateName,
  SHARE_NAMES,
  type ShareName
} from './limit-names.ts'
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
export { type Grant, Policy, type PolicyContent, type PolicyReason, type Role } from './policy.ts'
export { parsePolicy } from './policy-file.ts'
export {
  ANONYMOUS,
  ANYBODY,
  type Identity,
  isKnown,
  isOperator,
  operator,
  type Principal,
  type Proof,
  STRANGER
} from './principal.ts'
export { assertScope, Scopes } from './scopes.ts'
export { withoutSecrets } from './secrets.ts'
