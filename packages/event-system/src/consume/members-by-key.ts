import type { ConsumerInfo } from '../log/index.ts'

/** The names of a group's members that share it by key. What is pending of shards that nobody has is a consumer's without a name. */
export function membersByKey(consumers: readonly ConsumerInfo[]): string[] {
  return consumers.filter(({ name, shards }) => name !== '' && shards.length > 0).map(({ name }) => name)
}
