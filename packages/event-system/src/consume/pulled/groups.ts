import { type Clock, counted, EventSystemError } from '@tradpal/events'
import { LRUCache } from 'lru-cache'
import {
  eventTypesText,
  firstPullSettings,
  GroupPlaces,
  MAX_ATTEMPTS,
  type PullSettings,
  readPullSettings
} from '../../groups/index.ts'
import { Documents, partitionedGroup, type Storage, type WorkQueue } from '../../log/index.ts'
import type { Logger } from '../../runtime/index.ts'
import { GroupMaker } from './group-maker.ts'
import type { ResolvedPullOptions } from './pull-options.ts'

/** So often a group that is pulled is looked after, in ms. */
const LOOK_AFTER_MS = 30_000
const KEEP_PLACE_MS = 1_000
/** A consumer of the group that holds nothing and was not there for so long is removed, in ms. */
const FORGET_AFTER_MS = 3_600_000
/** Settings that were read at most this long ago are used without asking the log, in ms. */
const FRESH_MS = 1_000
/** The names of groups come from clients. A group that is forgotten is read again where it is needed. */
const MOST_KNOWN = 10_000

/** What this process knows of a group. The times are ms since the epoch. */
interface Known {
  lookedAfterAt: number
  placeKeptAt: number
  settings: PullSettings | undefined
  readAt: number
}

export interface PulledGroupsParts {
  readonly storage: Storage
  readonly clock: Clock
  readonly logger: Logger
  readonly maxGroups: number
}

/** What groups need done that no consumer of this process looks after: only those who pull from them come by. */
export class PulledGroups {
  readonly #storage: Storage
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #maker: GroupMaker
  readonly #places: GroupPlaces
  readonly #known = new LRUCache<string, Known>({ max: MOST_KNOWN })

  constructor({ storage, clock, logger, maxGroups }: PulledGroupsParts) {
    this.#storage = storage
    this.#clock = clock
    this.#logger = logger
    this.#places = new GroupPlaces(new Documents(storage))
    this.#maker = new GroupMaker({ storage, places: this.#places, clock, maxGroups })
  }

  /**
   * The group, made when it is not there. Rejects with `group_conflict` when it is ordered by key, when it is pulled with
   * other settings, and when the log has as many groups as it may.
   */
  async joined(options: ResolvedPullOptions): Promise<WorkQueue> {
    const group = this.#storage.queue(options.group)
    const known = this.#of(options.group)
    if (this.#isDue(known.lookedAfterAt, LOOK_AFTER_MS)) {
      await this.#mustShare(options.group)
      await this.orRestored(options, () => this.#lookAfter(group))
      known.lookedAfterAt = this.#clock.now()
      // Who made the group may have died before its place was kept.
      await this.#keepPlace(group)
    }
    await this.agreed(options)
    return group
  }

  /**
   * The settings of the group, which a first pull sets. Rejects with `group_conflict` when they are not those of this pull.
   * `isFresh`: as the log has them now; otherwise as it had them at most a second ago.
   */
  async agreed(options: ResolvedPullOptions, { isFresh = false } = {}): Promise<PullSettings> {
    const known = this.#of(options.group)
    if (!isFresh && known.settings !== undefined && !this.#isDue(known.readAt, FRESH_MS)) {
      if (contradiction(options, known.settings) === undefined) return known.settings
    }
    const settings = (await this.#read(options.group)) ?? (await this.#first(options))
    mustAgree(options, settings)
    return settings
  }

  /** How often an event of the group may fail. */
  async maxAttemptsOf(group: string): Promise<number> {
    const known = this.#of(group)
    const settings = this.#isDue(known.readAt, FRESH_MS) ? await this.#read(group) : known.settings
    return settings?.maxAttempts ?? MAX_ATTEMPTS
  }

  /** Does it once more when the group was gone and has been made again, where it stood. */
  async orRestored<Result>(options: ResolvedPullOptions, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work()
    } catch (error) {
      if (!isNotFound(error)) throw error
      await this.#make(options)
      return work()
    }
  }

  /** Now and then, so that a group that is dropped goes on where it stood. */
  async keepPlace(group: WorkQueue): Promise<void> {
    const known = this.#of(group.name)
    if (!this.#isDue(known.placeKeptAt, KEEP_PLACE_MS)) return
    known.placeKeptAt = this.#clock.now()
    await this.#keepPlace(group)
  }

  async #keepPlace(group: WorkQueue): Promise<void> {
    await this.#places
      .keep(group)
      .catch((error) => this.#logger.warn({ group: group.name, err: error }, 'could not keep the place'))
  }

  /** With its settings first: a group never stands there without them, for another to set. */
  async #make(options: ResolvedPullOptions): Promise<void> {
    const wasKnown = this.#of(options.group).lookedAfterAt !== Number.NEGATIVE_INFINITY
    const isMade = await this.#maker.make(options.group, options.from, async () => {
      mustAgree(options, (await this.#read(options.group)) ?? (await this.#store(options)))
    })
    if (isMade && wasKnown) {
      const { group } = options
      this.#logger.error({ group }, 'the consumer group was gone and has been made again, where it stood')
    }
  }

  /** The first pull from a group that is there sets it, unless it would take events from others that it may not read. */
  async #first(options: ResolvedPullOptions): Promise<PullSettings> {
    if (options.mayAdopt || options.eventTypes === null) return this.#store(options)
    await this.orRestored(options, () => this.#storage.queue(options.group).info())
    const settings = await this.#read(options.group)
    if (settings !== undefined) return settings
    const { group } = options
    const sentence = `The group ${group} is there, and nobody has said which event types are pulled from it: an operator says it first (tradpal-events groups set-types ${group} ${options.eventTypes.join(' ')}).`
    throw new EventSystemError('group_conflict', sentence, { pointer: '/event_types' })
  }

  #store({ group, eventTypes, maxAttempts = MAX_ATTEMPTS }: ResolvedPullOptions): Promise<PullSettings> {
    return firstPullSettings(new Documents(this.#storage), group, { eventTypes, maxAttempts })
  }

  async #read(group: string): Promise<PullSettings | undefined> {
    const readAt = this.#clock.now()
    const settings = await readPullSettings(new Documents(this.#storage), group)
    Object.assign(this.#of(group), { settings, readAt })
    return settings
  }

  async #mustShare(group: string): Promise<void> {
    if ((await partitionedGroup(this.#storage, group)) === undefined) return
    const sentence = `The group ${group} is ordered by key: it cannot be pulled. Pull from another group.`
    throw new EventSystemError('group_conflict', sentence)
  }

  async #lookAfter(group: WorkQueue): Promise<void> {
    const { consumers } = await group.info()
    for (const { name, idleMs, pending } of consumers) {
      if (idleMs >= FORGET_AFTER_MS && pending === 0) await group.removeConsumer(name, { minIdleMs: FORGET_AFTER_MS })
    }
  }

  #of(group: string): Known {
    const known = this.#known.get(group)
    if (known !== undefined) return known
    const never = Number.NEGATIVE_INFINITY
    const fresh: Known = { lookedAfterAt: never, placeKeptAt: never, settings: undefined, readAt: never }
    this.#known.set(group, fresh)
    return fresh
  }

  /** What lies ahead of a clock that was set back is due too. */
  #isDue(at: number, everyMs: number): boolean {
    const ageMs = this.#clock.now() - at
    return ageMs >= everyMs || ageMs < 0
  }
}

function mustAgree(options: ResolvedPullOptions, settings: PullSettings): void {
  const sentence = contradiction(options, settings)
  if (sentence !== undefined) throw new EventSystemError('group_conflict', sentence)
}

/** In what a pull contradicts the settings of its group. */
function contradiction(
  { group, eventTypes, maxAttempts }: ResolvedPullOptions,
  settings: PullSettings
): string | undefined {
  if (JSON.stringify(eventTypes) !== JSON.stringify(settings.eventTypes)) {
    const types = eventTypes === null ? "'*'" : eventTypes.join(' ')
    return `The group ${group} is pulled with ${eventTypesText(settings.eventTypes)}, not with ${eventTypesText(eventTypes)}: send the same event_types, pull from another group, or let an operator change them (tradpal-events groups set-types ${group} ${types}).`
  }
  if (maxAttempts === undefined || maxAttempts === settings.maxAttempts) return undefined
  return `The group ${group} gives up an event after ${counted(settings.maxAttempts, 'failure')}, not after ${maxAttempts}: leave max_attempts out, or let an operator change it (tradpal-events groups set-types ${group} --max-attempts ${maxAttempts}).`
}

function isNotFound(error: unknown): boolean {
  return error instanceof EventSystemError && error.code === 'not_found'
}
