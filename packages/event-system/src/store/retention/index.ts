/**
 * How long events are kept: by age, number and bytes, of the whole log or by event type. What a group has not acknowledged
 * is kept beyond that, and what is forced out all the same is counted.
 */

export { faultsOfPolicy, type RetentionLimits, type RetentionPolicy } from './policy.ts'
export { parseBytes, parseLimitsByType } from './policy-text.ts'
export { type EnforceOptions, Retention, type RetentionParts } from './retention.ts'
