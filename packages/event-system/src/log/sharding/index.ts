/**
 * How the members of a group share its shards where the log itself does not assign them: by leases. These are the steps of
 * the protocol, each from one state to the next. An adapter keeps the state in its log and takes a step atomically: it reads
 * the state and the log's own clock, and writes the next state only if nobody has written meanwhile.
 */
export { giveUp, isHeldBy, leave, type ShardingState, takeShare } from './leases.ts'
