import type * as sqlite from 'node:sqlite'

/** An older Node has no node:sqlite: a static import of it would fail before the package can say which Node it needs. */
export const { DatabaseSync } = process.getBuiltinModule('node:sqlite')
export type DatabaseSync = sqlite.DatabaseSync
