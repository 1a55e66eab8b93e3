/**
 * A log in Redis Streams, in the form that the platform's other services read and write: one entry an event, one field
 * `event`, Redis's own ids. Everything beside the stream has a key that begins with the stream's name and a colon. An
 * append is durable to the degree that the server is configured for (`appendonly`, `appendfsync`).
 */
export type { IndexOptions } from './indexed/options.ts'
export type { ConnectionChange, RedisPartitioning, RedisStorageOptions } from './options.ts'
export { RedisStorage } from './redis-storage.ts'
