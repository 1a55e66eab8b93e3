/**
 * The embedded log: one SQLite file, shared by the processes of one machine. It promises all of the port; it declares that
 * nobody writes past it, so that every entry has the payload it was appended with.
 */
export type { ExposedPath } from './file-modes.ts'
export type { SqliteStorageOptions } from './options.ts'
export { SqliteStorage } from './sqlite-storage.ts'
