/**
 * How much callers may do: rates, which all instances count together where the log can, and shares of what may be under way
 * at once. Nothing here knows HTTP or who the callers are.
 */
export { type LimitsConfiguration, readLimits, type Share } from './configuration.ts'
export { RATES } from './names.ts'
export { type Caller, RateLimits, type Standing, tooMuchAtOnce, usedUp } from './rate-limits.ts'
export { Shares } from './shares.ts'
