/**
 * What a system is made of: options, then the environment, then defaults, checked all at once. Here, and nowhere else, it
 * is decided which log it is.
 */
export type { AuditLog } from './audit-log.ts'
export {
  configure,
  type EventSystemConfiguration,
  type EventSystemOptions,
  LONGEST_TIMEOUT_MS,
  OPTIONS
} from './configuration.ts'
export type { EncryptionOptions } from './encryption.ts'
export { type Environment, EnvironmentReader, isRedisUrl } from './environment.ts'
export { type MisspeltVariable, misspeltVariables, recordedEnvironment, warnOfMisspelt } from './misspelt-variables.ts'
export type { SigningOptions } from './signing.ts'
