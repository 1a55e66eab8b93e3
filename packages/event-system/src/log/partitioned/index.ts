/**
 * Consumer groups whose entries stay in order by key, for any number of members: over the leases, cursors and collections of a log. It
 * imports the port alone, and every adapter that has those three uses it. Each member reads the whole stream and hands out the entries of
 * the partitions that it owns. A partition has a lease, whose token is the epoch, a cursor, and a record of what is not contiguous.
 */
export { LeasedGroup } from './group.ts'
export { partitionedNames, withPartitioned } from './info.ts'
export { groupOfCursor } from './names.ts'
