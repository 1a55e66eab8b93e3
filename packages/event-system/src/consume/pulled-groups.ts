import { type Clock, EventSystemError } from '@tradpal/events'
import type { ConsumerGroup, EventLog } from '../log/index.ts'
import { BoundedMap, type Logger } from '../runtime/index.ts'
import { membersByKey } from './members-by-key.ts'
import type { ResolvedPullOptions } from './pull-options.ts'

/** So often a group that is pulled is looked after, in ms. */
const LOOK_AFTER_MS = 30_000
const KEEP_PLACE_MS = 1_000
/** A consumer of the group that holds nothing and was not there for so long is removed, in ms. */
const FORGET_AFTER_MS = 3_600_000

/** So many groups are remembered: their names come from those who pull. One that is forgotten is looked after anew. */
const MOST_GROUPS = 10_000

/** What groups need done that no consumer of this process looks after: only those who pull from them come by. */
export class PulledGroups {
  readonly #log: EventLog
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #lookedAfter = new BoundedMap<string, number>(MOST_GROUPS)
  readonly #placeKept = new BoundedMap<string, number>(MOST_GROUPS)

  constructor(log: EventLog, clock: Clock, logger: Logger) {
    this.#log = log
    this.#clock = clock
    this.#logger = logger
  }

  /** The group, made when it is not there. Rejects with `group_conflict` when it is ordered by key. */
  async joined(options: ResolvedPullOptions): Promise<ConsumerGroup> {
    const group = this.#log.group(options.group)
    if (!this.#isDue(this.#lookedAfter, options.group, LOOK_AFTER_MS)) return group
    await this.orRestored(options, () => this.#lookAfter(group))
    this.#lookedAfter.set(options.group, this.#clock.now())
    return group
  }

  /** Does it once more when the group was gone and has been made again, where it stood. */
  async orRestored<Result>({ group, from }: ResolvedPullOptions, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof EventSystemError && error.code === 'not_found')) throw error
      const isMade = await this.#log.group(group).restore(from)
      if (isMade && this.#lookedAfter.has(group)) {
        this.#logger.error({ group }, 'the consumer group was gone and has been made again, where it stood')
      }
      return work()
    }
  }

  /** Now and then, so that a group that is dropped goes on where it stood. */
  async keepPlace(group: ConsumerGroup): Promise<void> {
    if (!this.#isDue(this.#placeKept, group.name, KEEP_PLACE_MS)) return
    this.#placeKept.set(group.name, this.#clock.now())
    await group
      .keepPlace()
      .catch((error) => this.#logger.warn({ group: group.name, err: error }, 'could not keep the place'))
  }

  async #lookAfter(group: ConsumerGroup): Promise<void> {
    const { consumers } = await group.info()
    const sharders = membersByKey(consumers)
    if (sharders.length > 0) {
      const sentence = `The group ${group.name} is ordered by key, by ${sharders.join(', ')}: it cannot be pulled. Pull from another group.`
      throw new EventSystemError('group_conflict', sentence)
    }
    for (const { name, idleMs, pending } of consumers) {
      if (idleMs >= FORGET_AFTER_MS && pending === 0) await group.removeConsumer(name, { minIdleMs: FORGET_AFTER_MS })
    }
  }

  #isDue(times: ReadonlyMap<string, number>, group: string, everyMs: number): boolean {
    return this.#clock.now() - (times.get(group) ?? Number.NEGATIVE_INFINITY) >= everyMs
  }
}
