import { type EventSystem, EventSystemError, type JsonObject, silentLogger, systemClock } from '@tradpal/event-system'
import {
  type Actor,
  Audit,
  type AuditAction,
  type AuditQuery,
  type AuditResult,
  type Begun,
  CHAIN,
  type Expectation,
  type Head,
  type ListedEntry,
  type Verification
} from '@tradpal/event-system/audit'
import type { Recorder } from './auditing.ts'
import type { AuditEntries } from './context.ts'

export interface OperatorsAuditOptions {
  readonly system: EventSystem
  /** Whether the acts of an operator are recorded: `always`, `never`, or `beside others`, where somebody has recorded already. What was recorded can be read in any case. */
  readonly records: 'always' | 'never' | 'beside others'
}

/**
 * The audit log beside a log that an operator has opened: a service whose variables are not known here may write it, too. It is opened
 * when it is needed first. Reading makes none. Reads of the log itself are not recorded: an operator can read it by other means.
 */
export class OperatorsAudit implements Recorder, AuditEntries {
  readonly #system: EventSystem
  readonly #records: OperatorsAuditOptions['records']
  #opening: Promise<Audit | undefined> | undefined

  constructor({ system, records }: OperatorsAuditOptions) {
    this.#system = system
    this.#records = records
  }

  /** Rejects with `audit_unavailable`, also when the audit log cannot be opened. */
  async begin(action: AuditAction, actor: Actor, what: JsonObject): Promise<Begun | undefined> {
    if (action === 'events.replayed') return undefined
    return (await this.#recording())?.begin(action, actor, what)
  }

  async finish(begun: Begun, result: AuditResult): Promise<void> {
    await (await this.#opening)?.finish(begun, result)
  }

  /** Does an action that no endpoint does, as {@link Audit.perform}. */
  async perform<T>(
    action: AuditAction,
    actor: Actor,
    what: JsonObject,
    work: () => Promise<T>,
    resultOf?: (value: T) => JsonObject
  ): Promise<T> {
    const audit = await this.#recording()
    return audit === undefined ? work() : audit.perform(action, actor, what, work, resultOf)
  }

  /** Rejects with `not_found` where nobody has recorded anything, as {@link head} and {@link verify} do. */
  async list(query?: AuditQuery): Promise<ListedEntry[]> {
    return (await this.#mustBeThere()).list(query)
  }

  async head(): Promise<Head> {
    return (await this.#mustBeThere()).head()
  }

  /** An audit log that is not there is right where it may be empty. */
  async verify(expected: Expectation = {}): Promise<Verification> {
    const mayBeEmpty = expected.allowEmpty === true && (expected.head?.seq ?? 0) === 0
    if (mayBeEmpty && (await this.#found()) === undefined) return { ok: true, entries: 0, first: null, last: null }
    return (await this.#mustBeThere()).verify(expected)
  }

  async close(): Promise<void> {
    await (await this.#opening?.catch(() => undefined))?.close()
  }

  /** Undefined where nothing is recorded. */
  async #recording(): Promise<Audit | undefined> {
    if (this.#records === 'never') return undefined
    this.#opening ??= this.#open({ create: true })
    return this.#opening
  }

  /** Undefined where nobody records anything. `create`: whether an audit log that is not there is made, where acts are recorded. */
  async #open({ create }: { readonly create: boolean }): Promise<Audit | undefined> {
    const { storage, mayBeThere } = this.#system.auditLog()
    const isWanted = this.#records === 'always'
    if (!mayBeThere && !(create && isWanted)) return undefined
    try {
      await storage.start()
      const isThere = isWanted || (await storage.log.versionOf(CHAIN)) > 0
      if (isThere) return new Audit({ storage, clock: systemClock, logger: silentLogger })
      await storage.close()
      return undefined
    } catch (cause) {
      await storage.close()
      const sentence = `The audit log at ${storage.location} cannot be opened, and nothing is done unrecorded: ${(cause as Error).message}`
      throw new EventSystemError('audit_unavailable', sentence, { cause })
    }
  }

  /** Undefined where there is nothing to read: it may be made later. */
  async #found(): Promise<Audit | undefined> {
    this.#opening ??= this.#open({ create: false })
    const audit = await this.#opening
    if (audit === undefined) this.#opening = undefined
    return audit
  }

  async #mustBeThere(): Promise<Audit> {
    const audit = await this.#found()
    if (audit !== undefined) return audit
    const { location } = this.#system.auditLog().storage
    const sentence = `There is no audit log at ${location}: EVENT_AUDIT=on makes a service keep one. If one was kept, it was removed.`
    throw new EventSystemError('not_found', sentence)
  }
}
