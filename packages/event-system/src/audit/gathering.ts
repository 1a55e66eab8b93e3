import { type JsonObject, stringifyJson } from '@tradpal/events'
import type { Principal } from '../access/index.ts'
import type { Actor, AuditDraft } from './entry.ts'

/** How many refusals of one kind have an entry of their own in each window. */
const FEW = 5
/** How long a window is, in ms. */
const WINDOW_MS = 60_000
/** The most kinds of refusals that are told apart: names come from callers. All further kinds count as one. */
const MOST_KINDS = 1_000
/** The most refusals that wait for the audit log with an entry of their own; further ones are counted. */
const MOST_WAITING = 1_000
/** The most event types that one entry tells apart; further ones count as `others`. */
const MOST_TYPES = 100

/** The events of one request that were published, or failed to be. */
export type Publishing = {
  readonly eventTypes: readonly string[]
} & (
  | { readonly outcome: 'done' | 'spooled'; readonly first: string; readonly last: string }
  | { readonly outcome: 'failed'; readonly code: string }
)

/** Something that a principal asked for and may not have, or may have no more. */
export interface Refusal {
  readonly action: 'request.refused' | 'answer.ended'
  /** The error code. */
  readonly code: string
  /**
   * What was refused, such as the route of an endpoint. Refusals with the same action, code, principal and `what` are of one kind. So a
   * program puts only its own names here, and none that callers make up.
   */
  readonly what: JsonObject
  readonly requestId: string
}

interface Published {
  readonly who: Principal
  readonly began: Publishing
  requests: number
  events: number
  readonly byType: Map<string, number>
  last: string | undefined
}

interface Refused {
  readonly actor: Actor
  readonly refusal: Refusal
  readonly since: number
  seen: number
  counted: number
  lastAt: number
}

/** Counts publishes and refusals, which are too many for an entry each, in bounded memory. */
export class Gathering {
  /** By the outcome, or the code of the failure. */
  readonly #published = new Map<string, Map<Principal, Published>>()
  readonly #refused = new Map<string, Refused>()
  #waiting: AuditDraft[] = []

  publish(who: Principal, publishing: Publishing): void {
    const { eventTypes } = publishing
    const sum = this.#sumOf(who, publishing)
    sum.requests++
    sum.events += eventTypes.length
    if (publishing.outcome !== 'failed') sum.last = publishing.last
    for (const type of eventTypes) {
      const name = sum.byType.has(type) || sum.byType.size < MOST_TYPES ? type : 'others'
      sum.byType.set(name, (sum.byType.get(name) ?? 0) + 1)
    }
  }

  #sumOf(who: Principal, publishing: Publishing): Published {
    const outcome = publishing.outcome === 'failed' ? publishing.code : publishing.outcome
    let sums = this.#published.get(outcome)
    if (sums === undefined) {
      sums = new Map()
      this.#published.set(outcome, sums)
    }
    let sum = sums.get(who)
    if (sum === undefined) {
      sum = { who, began: publishing, requests: 0, events: 0, byType: new Map(), last: undefined }
      sums.set(who, sum)
    }
    return sum
  }

  refuse(actor: Actor, refusal: Refusal, now: number): void {
    const { action, code, what, requestId } = refusal
    const named = `${action} ${code} ${stringifyJson(what)} ${actor.keyId ?? ''} ${actor.principal}`
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
        action,
        requestId,
        what,
        outcome: 'refused',
        code
      })
    }
  }

  /** The entries that are due, which are then forgotten. `all`: also the counts of windows that are not over. */
  take(now: number, all: boolean): AuditDraft[] {
    const sums = [...this.#published.values()].flatMap((published) => [...published.values()])
    const drafts = [...this.#waiting, ...sums.map((sum) => publishedDraft(sum, now))]
    this.#waiting = []
    for (const published of this.#published.values()) published.clear()
    for (const [key, kind] of this.#refused) {
      if (!all && now - kind.since < WINDOW_MS) continue
      this.#refused.delete(key)
      if (kind.counted > 0) drafts.push(refusedDraft(kind, key === 'others', now))
    }
    return drafts
  }
}

function publishedDraft({ who, began, requests, events, byType, last }: Published, at: number): AuditDraft {
  const { name: principal, proof, keyId } = who
  const actor: Actor = { principal, proof, ...(keyId === undefined ? {} : { keyId }) }
  const what = { requests, events, by_type: Object.fromEntries(byType) }
  const draft = { ...actor, at, action: 'events.published', outcome: began.outcome } as const
  if (began.outcome === 'failed') return { ...draft, what, code: began.code }
  return { ...draft, what: { ...what, first: began.first, last: last ?? began.last } }
}

function refusedDraft(
  { actor, refusal, since, counted, lastAt }: Refused,
  isOfOthers: boolean,
  at: number
): AuditDraft {
  const { action, what, code } = refusal
  const times = { further: counted, from: since, to: lastAt }
  const { address: _, ...who } = actor
  const draft = { at, action, outcome: 'refused' } as const
  if (isOfOthers)
    return { ...draft, action: 'request.refused', principal: 'others', proof: 'nothing', what: { ...times } }
  return { ...draft, ...who, what: { ...what, ...times }, code }
}
