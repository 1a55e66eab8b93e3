/**
 * An index of a log in one stream, by event type, key and event time. One process at a time keeps it, in the background. Reads take from it what
 * it has, and look at each of the other entries, so that what they give does not depend on how far it has come.
 *
 * It is made of segments: stretches of the log, each a hash of postings by label. A label is an event type with a key or none. What is too
 * new for a segment stands in the tail, which is read whole. Entries are found in the order of their event times within the few
 * segments of that time; those that happened long before the log took them stand in sorted sets beside.
 */
export { indexedParts } from './indexed-parts.ts'
export { Indexer } from './indexer.ts'
