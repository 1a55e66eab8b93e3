import type { Principal } from '../access/index.ts'
import type { Actor, AuditDraft } from './entry.ts'

/** Of what is refused for one reason to one principal at one endpoint, so many have an entry of their own in each window. */
const FEW = 5
/** In ms. */
const WINDOW_MS = 60_000
/** Names come from outside: beyond so many kinds, the others are counted together. */
const MOST_KINDS = 1_000
/** While the audit log is away, so many entries wait at most; more are counted. */
const MOST_WAITING = 1_000
/** With more event types than this in one entry, the others are counted together. */
const MOST_TYPES = 100

/** Events that were published by one request. */
export interface Publishing {
  readonly eventTypes: readonly string[]
  readonly outcome: 'done' | 'spooled'
  readonly first: string
  readonly last: string
}

export interface Refusal {
  readonly code: string
  readonly method: string
  /** As it was defined, `/groups/:group`: what callers write into a path does not make kinds. */
  readonly route: string
  readonly requestId: string
}

interface Published {
  readonly who: Principal
  readonly outcome: 'done' | 'spooled'
  requests: number
  events: number
  readonly byType: Map<string, number>
  readonly first: string
  last: string
}

interface Refused {
  readonly actor: Actor
  readonly refusal: Refusal
  readonly since: number
  seen: number
  counted: number
  lastAt: number
}

/** Counts what comes too often for an entry each, in a memory that no flood fills. */
export class Gathering {
  readonly #published = { done: new Map<Principal, Published>(), spooled: new Map<Principal, Published>() }
  readonly #refused = new Map<string, Refused>()
  #waiting: AuditDraft[] = []

  publish(who: Principal, { eventTypes, outcome, first, last }: Publishing): void {
    let sum = this.#published[outcome].get(who)
    if (sum === undefined) {
      sum = { who, outcome, requests: 0, events: 0, byType: new Map(), first, last }
      this.#published[outcome].set(who, sum)
    }
    sum.requests++
    sum.events += eventTypes.length
    sum.last = last
    for (const type of eventTypes) {
      const name = sum.byType.has(type) || sum.byType.size < MOST_TYPES ? type : 'others'
      sum.byType.set(name, (sum.byType.get(name) ?? 0) + 1)
    }
  }

  refuse(actor: Actor, refusal: Refusal, now: number): void {
    const { code, method, route, requestId } = refusal
    const named = `${code} ${method} ${route} ${actor.keyId ?? ''} ${actor.principal}`
    const key = this.#refused.has(named) || this.#refused.size < MOST_KINDS ? named : 'others'
    let kind = this.#refused.get(key)
    if (kind === undefined) {
      kind = { actor, refusal, since: now, seen: 0, counted: 0, lastAt: now }
      this.#refused.set(key, kind)
    }
    kind.seen++
    kind.lastAt = now
    if (kind.seen > FEW || this.#waiting.length >= MOST_WAITING) kind.counted++
    else {
      this.#waiting.push({
        ...actor,
        at: now,
        action: 'request.refused',
        requestId,
        what: { method, route },
        outcome: 'refused',
        code
      })
    }
  }

  /** What is to be written now, and forgets it. `all`: also the counts of windows that are not over. */
  take(now: number, all: boolean): AuditDraft[] {
    const sums = Object.values(this.#published).flatMap((published) => [...published.values()])
    const drafts = [...this.#waiting, ...sums.map((sum) => publishedDraft(sum, now))]
    this.#waiting = []
    for (const published of Object.values(this.#published)) published.clear()
    for (const [key, kind] of this.#refused) {
      if (!all && now - kind.since < WINDOW_MS) continue
      this.#refused.delete(key)
      if (kind.counted > 0) drafts.push(refusedDraft(kind, key === 'others', now))
    }
    return drafts
  }
}

function publishedDraft({ who, outcome, requests, events, byType, first, last }: Published, at: number): AuditDraft {
  const { name: principal, proof, keyId } = who
  const actor: Actor = { principal, proof, ...(keyId === undefined ? {} : { keyId }) }
  const what = { requests, events, by_type: Object.fromEntries(byType), first, last }
  return { ...actor, at, action: 'events.published', what, outcome }
}

function refusedDraft(
  { actor, refusal, since, counted, lastAt }: Refused,
  isOfOthers: boolean,
  at: number
): AuditDraft {
  const { method, route, code } = refusal
  const times = { further: counted, from: since, to: lastAt }
  const { address: _, ...who } = actor
  const draft = { at, action: 'request.refused', outcome: 'refused' } as const
  if (isOfOthers) return { ...draft, principal: 'others', proof: 'nothing', what: { ...times } }
  return { ...draft, ...who, what: { method, route, ...times }, code }
}
