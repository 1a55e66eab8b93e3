/**
 * What a log is, as a suite: one case for each sentence of the port, in the order and words of the port. It needs no test
 * framework: a test file makes a {@link ConformanceHarness} for its adapter and runs each case of {@link conformance} on a
 * fresh one. An adapter is a log when every case passes that speaks of what it declares.
 *
 *     for (const { title, needs, run } of conformance)
 *       test(title, async (context) => {
 *         const harness = await myHarness()
 *         onTestFinished(() => harness.dispose())
 *         if (needs?.(harness) === false) return context.skip('the log declares that it does otherwise')
 *         await run(harness)
 *       })
 */
import { appendCases } from './append.ts'
import { attachmentCases } from './attachments.ts'
import { badArgumentCases } from './bad-arguments.ts'
import { claimCases } from './claim.ts'
import { collectionCases } from './collections.ts'
import { commitCases } from './commit.ts'
import { commitAppendCases } from './commit-appends.ts'
import { commitConditionCases } from './commit-conditions.ts'
import { commitGroupCases } from './commit-groups.ts'
import { commitRequeueCases } from './commit-requeues.ts'
import { counterCases } from './counters.ts'
import { cursorCases } from './cursors.ts'
import { featureCases } from './features.ts'
import { groupLifeCases } from './group-life.ts'
import { groupReadCases } from './group-read.ts'
import type { ConformanceCase, OptionalInterface } from './harness.ts'
import { holdCases } from './holds.ts'
import { infoCases } from './info.ts'
import { leaseCases } from './leases.ts'
import { lifetimeCases } from './lifetime.ts'
import { partitionedCommitCases } from './partitioned-commit.ts'
import { partitionedLifeCases } from './partitioned-life.ts'
import { partitionedMemberCases } from './partitioned-members.ts'
import { partitionedReadCases } from './partitioned-read.ts'
import { poisonCases } from './poison.ts'
import { processCases } from './processes.ts'
import { rateCases } from './rates.ts'
import { readCases } from './read.ts'
import { readLabelCases } from './read-labels.ts'
import { readStreamCases } from './read-stream.ts'
import { removeCases } from './remove.ts'
import { rewriteCases } from './rewrite.ts'
import { severalPartitionCases } from './several-partitions.ts'
import { severalPartitionGroupCases } from './several-partitions-groups.ts'
import { tailCases } from './tail.ts'
import { trimCases } from './trim.ts'
import { versionConflictCases } from './version-conflicts.ts'
import { versionCases } from './versions.ts'

export type {
  ChildEntrance,
  ConformanceCase,
  ConformanceHarness,
  Declared,
  HarnessOpenOptions,
  OpenInChild,
  OptionalInterface
} from './harness.ts'

/** Interface by interface, in the order of the port: the storage itself, then its parts. */
export const conformance: readonly ConformanceCase[] = [
  // Storage
  ...lifetimeCases,
  ...featureCases,
  // Log
  ...appendCases,
  ...versionCases,
  ...versionConflictCases,
  ...readStreamCases,
  ...readCases,
  ...readLabelCases,
  ...rateCases,
  ...tailCases,
  ...severalPartitionCases,
  ...severalPartitionGroupCases,
  ...trimCases,
  ...removeCases,
  ...rewriteCases,
  ...infoCases,
  // WorkQueue
  ...groupLifeCases,
  ...groupReadCases,
  ...holdCases,
  ...claimCases,
  ...badArgumentCases,
  ...poisonCases,
  // PartitionedGroup
  ...onlyWhere('partitioned', [
    ...partitionedLifeCases,
    ...partitionedMemberCases,
    ...partitionedReadCases,
    ...partitionedCommitCases
  ]),
  // Cursors, Leases, Collections, Counters
  ...cursorCases,
  ...leaseCases,
  ...collectionCases,
  ...onlyWhere('counters', counterCases),
  // commit
  ...commitCases,
  ...commitAppendCases,
  ...commitConditionCases,
  ...commitGroupCases,
  ...commitRequeueCases,
  ...attachmentCases,
  // All of it, by several processes
  ...processCases
]

function onlyWhere(name: OptionalInterface, cases: readonly ConformanceCase[]): ConformanceCase[] {
  return cases.map((one) => ({
    ...one,
    needs: (declared) => !declared.absent.includes(name) && one.needs?.(declared) !== false
  }))
}
