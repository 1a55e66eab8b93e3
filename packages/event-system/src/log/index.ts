/**
 * The log: where events are kept, in the order in which they were taken. `port.ts` says what every log promises; each
 * adapter has a folder of its own and imports the port and its driver, nothing else.
 */
export { Documents } from './documents.ts'
export { gapBehind, type LogGap, type OnGap, tellGap } from './gap.ts'
export { mustPartition, partitionedGroup } from './partitioned-group.ts'
export type * from './port.ts'
export { positionsIn } from './positions.ts'
export { mustCombine } from './requirements.ts'
export { TrimSum } from './trim-sum.ts'
