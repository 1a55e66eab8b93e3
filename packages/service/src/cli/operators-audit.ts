import { userInfo } from 'node:os'
import {
  type Environment,
  EnvironmentReader,
  type EventSystem,
  EventSystemError,
  type JsonObject,
  silentLogger,
  systemClock
} from '@tradpal/event-system'
import { type Actor, Audit, type AuditAction, CHAIN, headText, parseHead } from '@tradpal/event-system/audit'
import { readAccess } from '../access/index.ts'
import { readAudit, saidOf } from '../audit-variables.ts'
import type { AuditTarget, DeadLetterTarget, GroupTarget, KeyTarget } from './target.ts'

/**
 * What an operator does from the command line, in the audit log of a log that is opened directly. It is recorded where
 * EVENT_AUDIT or the other variables of a service say so, and where somebody has recorded already: a service whose variables
 * are not known here. Nothing is opened before it is needed.
 */
export class OperatorsAudit implements AuditTarget {
  readonly #system: EventSystem
  /** Whether what is done is recorded, as the environment says: what was recorded can be read in any case. */
  readonly #said: boolean | undefined
  readonly #isOn: boolean
  #opening: Promise<Audit | undefined> | undefined

  /** Throws `invalid_options`. */
  constructor(system: EventSystem, environment: Environment) {
    const read = new EnvironmentReader(environment)
    this.#system = system
    this.#said = saidOf(read)
    this.#isOn = readAudit(readAccess(environment, read), read).isOn
    read.finish()
  }

  /** Does something and records it, where that is wanted. Rejects with `audit_unavailable`, nothing done. */
  async record<T>(
    action: AuditAction,
    what: object,
    work: () => Promise<T>,
    resultOf?: (value: T) => JsonObject
  ): Promise<T> {
    const audit = this.#said === false ? undefined : await this.#opened({ create: true })
    if (audit === undefined) return work()
    return audit.perform(action, theOperator(), { ...what } as JsonObject, work, resultOf)
  }

  deadLetters(letters: DeadLetterTarget): DeadLetterTarget {
    return {
      list: (page) => letters.list(page),
      count: (filter) => letters.count(filter),
      causes: (filter) => letters.causes(filter),
      get: (id) => letters.get(id),
      actions: (page) => letters.actions(page),
      requeue: (id, options) => {
        const what = { id, amended: options.data !== undefined }
        return this.record('dead_letters.requeued', what, () => letters.requeue(id, options))
      },
      requeueAll: (filter, options) => {
        const work = () => letters.requeueAll(filter, options)
        if (options.dryRun === true) return work()
        return this.record('dead_letters.requeued', filter, work, ({ requeued, remaining, failed }) => {
          return { requeued, remaining, failed: failed.length }
        })
      },
      discard: (id, options) => this.record('dead_letters.discarded', { id }, () => letters.discard(id, options))
    }
  }

  groups(groups: GroupTarget): GroupTarget {
    return {
      list: () => groups.list(),
      get: (name) => groups.get(name),
      pending: (name, page) => groups.pending(name, page),
      seek: (group, to, options) => {
        const place = to instanceof Date ? to.toISOString() : to
        return this.record('groups.moved', { group, to: place, ...options }, () => groups.seek(group, to, options))
      },
      remove: (group, options) =>
        this.record('groups.removed', { group, ...options }, () => groups.remove(group, options)),
      changePulling: (group, change) =>
        this.record('groups.changed', { group, ...change }, () => groups.changePulling(group, change)),
      rotateDeliveryKey: () => this.record('delivery_key.rotated', {}, () => groups.rotateDeliveryKey())
    }
  }

  keys(keys: KeyTarget): KeyTarget {
    return {
      list: () => keys.list(),
      create: (wanted) =>
        this.record(
          'keys.created',
          wanted,
          () => keys.create(wanted),
          ({ apiKey }) => ({ id: apiKey.id })
        ),
      rotate: (id, options) => {
        const work = () => keys.rotate(id, options)
        return this.record('keys.rotated', { id, ...options }, work, ({ apiKey }) => ({ id: apiKey.id }))
      },
      revoke: (id) => this.record('keys.revoked', { id }, () => keys.revoke(id))
    }
  }

  async list(query: Parameters<AuditTarget['list']>[0]) {
    const audit = await this.#mustBeThere()
    const entries = await audit.list(query)
    return entries.map(({ messageId, entry }) => ({ messageId, ...entry }))
  }

  async head() {
    const audit = await this.#mustBeThere()
    return headText(await audit.head())
  }

  async verify({ head: text, allowEmpty }: Parameters<AuditTarget['verify']>[0]) {
    const head = text === undefined ? undefined : parseHead(text)
    if (text !== undefined && head === undefined) {
      throw new EventSystemError(
        'invalid_argument',
        'The head must be the number of an entry, a colon and its hash, as audit head prints it.'
      )
    }
    const isBeginning = (head?.seq ?? 0) === 0
    if (allowEmpty === true && isBeginning && !(await this.#isThere())) return NOTHING
    const audit = await this.#mustBeThere()
    const { last, ...verification } = await audit.verify({ head, ...(allowEmpty === true && { allowEmpty }) })
    return { ...verification, last: last === null ? null : headText(last) }
  }

  async close(): Promise<void> {
    await (await this.#opening?.catch(() => undefined))?.close()
  }

  #opened({ create }: { readonly create: boolean }): Promise<Audit | undefined> {
    this.#opening ??= this.#open(create)
    return this.#opening
  }

  /** Undefined where nobody records anything. `create`: whether an audit log that is not there is made, where it is wanted. */
  async #open(create: boolean): Promise<Audit | undefined> {
    const { storage, mayBeThere } = this.#system.auditLog()
    if (!mayBeThere && !(create && this.#isOn)) return undefined
    try {
      await storage.start()
      const isThere = this.#isOn || (await storage.log.versionOf(CHAIN)) > 0
      if (isThere) return new Audit({ storage, clock: systemClock, logger: silentLogger })
      await storage.close()
      return undefined
    } catch (cause) {
      await storage.close()
      const sentence = `The audit log at ${storage.location} cannot be opened, and nothing is done unrecorded: ${(cause as Error).message}`
      throw new EventSystemError('audit_unavailable', sentence, { cause })
    }
  }

  /** Whether anything can be read. What is not there may be made later. */
  async #isThere(): Promise<boolean> {
    if ((await this.#opened({ create: false })) !== undefined) return true
    this.#opening = undefined
    return false
  }

  async #mustBeThere(): Promise<Audit> {
    if (await this.#isThere()) return (await this.#opening) as Audit
    const { location } = this.#system.auditLog().storage
    const sentence = `There is no audit log at ${location}: EVENT_AUDIT=on makes a service keep one. If one was kept, it was removed.`
    throw new EventSystemError('not_found', sentence)
  }
}

/** The verification of an audit log that is not there, and need not be. */
const NOTHING = { ok: true, entries: 0, first: null, last: null } as const

function theOperator(): Actor {
  return { principal: `operator:${userInfo().username}`, proof: 'operating system' }
}
