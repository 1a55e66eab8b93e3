import type { GroupPlaces } from '../groups/index.ts'
import type { WorkQueue } from '../log/index.ts'
import type { Logger } from '../runtime/index.ts'
import type { Acknowledger } from './acknowledger.ts'
import type { ResolvedConsumeOptions } from './options.ts'
import type { Recovery } from './recovery.ts'

/** Consumers are looked for that can be forgotten not more often than this, in ms. */
const LEAST_LOOK_MS = 1_000

export interface HousekeepingParts {
  readonly group: WorkQueue
  readonly places: GroupPlaces
  readonly consumer: string
  readonly options: ResolvedConsumeOptions
  readonly recovery: Recovery
  readonly logger: Logger
  readonly acknowledger: Acknowledger
}

/** What a group needs done now and then, by whichever of its members. Resolves when the consumer stops. */
export async function keepHouse(parts: HousekeepingParts): Promise<void> {
  await Promise.all([keepPlace(parts), forgetConsumers(parts)])
}

/** Keeps the group's place, so that a group that is dropped goes on where it stood. */
async function keepPlace({ group, places, options, recovery, acknowledger }: HousekeepingParts): Promise<void> {
  const everyMs = options.claimAfterMs / 3
  let kept: number | undefined
  do {
    const { settled: now } = acknowledger
    if (now === kept) continue
    const isKept = await recovery.attempt('keep place', () => places.keep(group))
    if (isKept) kept = now
  } while (await recovery.pause(everyMs))
}

/** Removes the names that processes left behind which are no more. */
async function forgetConsumers({ group, consumer, options, recovery, logger }: HousekeepingParts): Promise<void> {
  const minIdleMs = options.forgetConsumersAfterMs
  while (await recovery.pause(Math.max(LEAST_LOOK_MS, minIdleMs / 2))) {
    await recovery.attempt('forget', async () => {
      const { consumers } = await group.info()
      for (const { name, idleMs } of consumers) {
        if (name === consumer || idleMs < minIdleMs) continue
        if (await group.removeConsumer(name, { minIdleMs }))
          logger.info({ name }, 'a consumer that was long gone was removed')
      }
    })
  }
}
