/** What an operator does: looks after the dead letters and after the consumer groups. */
export type { FailedRequeue, RequeueAllOptions, RequeueProgress, RequeueReport } from './bulk-requeue.ts'
export {
  DeadLetterOffice,
  type DeadLetterOfficeOptions,
  type DeadLetterPage,
  type RequeueOptions
} from './dead-letter-office.ts'
export {
  GroupOffice,
  type GroupOfficeOptions,
  type GroupReport
} from './group-office.ts'
export type { NeededKey } from './needed-keys.ts'
export { type RekeyOptions, type RekeyReport, rekey } from './rekey.ts'
export { shredSubject } from './shred.ts'
