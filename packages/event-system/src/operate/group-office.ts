import {
  type Clock,
  counted,
  EventSystemError,
  type GroupChangeOptions,
  onlyOptions,
  type PendingEvent,
  systemClock
} from '@tradpal/events'
import { Attachments, parseHandlingNote, type TextVault } from '../codec/index.ts'
import {
  changePullSettings,
  listPullSettings,
  type PullSettings,
  type PullSettingsChange,
  readPullSettings,
  removePullSettings,
  rotateDeliveryKey
} from '../groups/index.ts'
import {
  Documents,
  type GroupInfo,
  type MessageId,
  type PartitionedGroup,
  type Position,
  partitionedGroup,
  type Storage,
  type WorkQueue
} from '../log/index.ts'
import { mustBeLog } from '../runtime/index.ts'
import { pageLimit } from './arguments.ts'

export interface GroupOfficeOptions {
  /** A started log. */
  readonly storage: Storage
  /** Opens what is kept of pending events, where the log is encrypted. Default: nothing is sealed. */
  readonly vault?: TextVault | undefined
  readonly clock?: Clock
}

/** How a group stands, and how it is pulled. */
export interface GroupReport extends GroupInfo {
  /** `null` for a group that nobody has pulled from. */
  readonly pulled: PullSettings | null
}

/** A member that has read, claimed or renewed within so long lives, in ms. */
const ALIVE_MS = 30_000

/** The consumer groups of a log, and what an operator can do about them. */
export class GroupOffice {
  readonly #storage: Storage
  readonly #documents: Documents
  readonly #vault: TextVault | undefined
  readonly #clock: Clock

  /** Throws `invalid_options`. */
  constructor(options: GroupOfficeOptions) {
    onlyOptions('GroupOffice', options, { storage: true, vault: true, clock: true })
    mustBeLog(options.storage)
    const { storage, vault, clock = systemClock } = options
    this.#storage = storage
    this.#vault = vault
    this.#documents = new Documents(storage)
    this.#clock = clock
  }

  /** How every group stands, by name. */
  async list(): Promise<readonly GroupReport[]> {
    const [{ groups }, pulled] = await Promise.all([this.#storage.log.info(), listPullSettings(this.#documents)])
    return groups
      .map((info) => ({ ...info, pulled: pulled.get(info.name) ?? null }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** Rejects with `not_found`. */
  async get(name: string): Promise<GroupReport> {
    const info = await (await this.#groupOf(name)).info()
    return { ...info, pulled: (await readPullSettings(this.#documents, name)) ?? null }
  }

  /** A page of what is pending, in log order: who has it, since when, how often it was handed out. At most `limit`, 1 to 1,000, default 100. */
  async pending(name: string, wanted: { after?: MessageId; limit?: number } = {}): Promise<PendingEvent[]> {
    onlyOptions('pending()', wanted, { after: true, limit: true })
    const { after, limit = 100 } = wanted
    const page = { limit: pageLimit(limit), ...(after === undefined ? {} : { after }) }
    const entries = await (await this.#groupOf(name)).pending(page)
    const attachments = new Attachments(name, this.#vault)
    return entries.map((entry) => {
      const { appendedAt: at, attachment: _, ...standing } = entry
      return { ...standing, at, ...whyPending(attachments.noteOf(entry)) }
    })
  }

  /**
   * Moves a group: what it hands out next is what stands behind. What is pending stays pending. Rejects with `not_found`,
   * with `invalid_argument` for a place that is not there yet, with `invalid_message_id`, and with `group_conflict` while
   * members live, unless `force`.
   */
  async seek(name: string, to: 'start' | 'end' | MessageId | Date, options: GroupChangeOptions = {}): Promise<void> {
    onlyOptions('seek()', options, { force: true })
    const group = await this.#groupOf(name)
    const info = await group.info()
    const position = await this.#positionOf(to)
    if (options.force !== true) mustBeAlone(info, 'moved')
    await group.seek(position)
  }

  /**
   * Drops a group, its consumers, what is pending in it and how it is pulled; its dead letters and its ledger stay. Rejects
   * with `not_found`, and with `group_conflict` while members live or entries are pending, unless `force`.
   */
  async remove(name: string, options: GroupChangeOptions = {}): Promise<void> {
    onlyOptions('remove()', options, { force: true })
    const group = await this.#groupOf(name)
    const info = await this.#infoOrRemains(name)
    if (info === undefined) return
    if (options.force !== true) {
      mustBeAlone(info, 'removed')
      if (info.pending > 0)
        throw conflict(`The group ${name} has ${counted(info.pending, 'entry', 'entries')} pending; force drops them.`)
    }
    await group.destroy()
    await removePullSettings(this.#documents, name)
  }

  /**
   * Changes which event types of a group are delivered to those who pull, and how often an event may fail; those who then
   * pull with others are refused. Resolves to the settings as they are then. Rejects with `not_found`, with
   * `invalid_argument` and with `unknown_event_type`.
   */
  async changePulling(name: string, change: PullSettingsChange): Promise<PullSettings> {
    await this.#storage.queue(name).info()
    return changePullSettings(this.#documents, name, change)
  }

  /**
   * Makes another key sign the ids of deliveries. Deliveries that are under way can still be settled; after a second
   * rotation those of before the first cannot, and are delivered again when their leases end.
   */
  rotateDeliveryKey(): Promise<void> {
    return rotateDeliveryKey(this.#documents)
  }

  async #groupOf(name: string): Promise<WorkQueue | PartitionedGroup> {
    return (await partitionedGroup(this.#storage, name)) ?? this.#storage.queue(name)
  }

  /** Undefined when there is no group, and what was left of one is removed: somebody dropped it and was cut short. */
  async #infoOrRemains(name: string): Promise<GroupInfo | undefined> {
    try {
      return await (await this.#groupOf(name)).info()
    } catch (error) {
      const isGone = error instanceof EventSystemError && error.code === 'not_found'
      if (isGone && (await removePullSettings(this.#documents, name))) return undefined
      throw error
    }
  }

  async #positionOf(to: 'start' | 'end' | MessageId | Date): Promise<Position> {
    if (to === 'start' || to === 'end') return to
    if (typeof to === 'string') {
      const { last } = await this.#storage.log.bounds()
      const isAhead = last === null || (this.#storage.log.compare(to, last) ?? 1) > 0
      if (isAhead) throw ahead(`the message id ${to}`, `the last is ${last ?? 'none'}`)
      return { after: to }
    }
    const time = to.getTime()
    if (Number.isNaN(time)) throw new EventSystemError('invalid_argument', 'The time to seek to is an invalid Date.')
    if (time > this.#clock.now()) throw ahead(`the time ${to.toISOString()}`, 'it is in the future')
    return { time }
  }
}

/** What the note of an entry says to who looks after it. */
function whyPending(note: string | undefined): Pick<PendingEvent, 'failures' | 'lastError' | 'dueAt'> {
  const handlers = Object.values(progressIn(note))
  const errors = handlers.flatMap(({ lastError }) => lastError ?? []).sort((a, b) => b.at - a.at)
  const due = handlers.flatMap(({ state, dueAt }) => (state === 'to-do' ? (dueAt ?? []) : []))
  return {
    failures: handlers.reduce((sum, { failures }) => sum + failures, 0),
    lastError: errors[0]?.message ?? null,
    dueAt: due.length === 0 ? null : Math.min(...due)
  }
}

/** Who may not read it still sees what is pending. */
function progressIn(note: string | undefined): ReturnType<typeof parseHandlingNote> {
  try {
    return parseHandlingNote(note)
  } catch {
    return {}
  }
}

function mustBeAlone({ name, consumers }: GroupInfo, what: string): void {
  const alive = consumers
    .filter(({ name, idleMs }) => name !== '' && idleMs < ALIVE_MS)
    .map((consumer) => consumer.name)
  if (alive.length === 0) return
  const sentence = `The group ${name} is not ${what} while its members live (${alive.join(', ')}): stop them, or force it.`
  throw conflict(sentence)
}

function conflict(sentence: string): EventSystemError {
  return new EventSystemError('group_conflict', sentence)
}

function ahead(place: string, why: string): EventSystemError {
  return new EventSystemError('invalid_argument', `There is nothing at ${place} yet: ${why}. Seek to "end" instead.`)
}
