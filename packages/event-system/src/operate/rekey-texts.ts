import { setImmediate as nextTurn } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Encryption } from '../codec/index.ts'
import type { DeadLetter, EventLog } from '../log/index.ts'
import type { Counted, NeededKeys } from './needed-keys.ts'

/** So many letters, records or pending entries are read, and rewritten, at a time: each may hold a payload and stacks. */
const STEP = 100

type Text = string | null | undefined

/** One sort of what a log keeps beside its entries. */
interface Kept<Item> {
  /** As what it is counted. */
  readonly what: Counted
  readonly read: (page: { limit: number; after?: string }) => Promise<readonly Item[]>
  readonly placeOf: (item: Item) => string
  readonly textsOf: (item: Item) => readonly Text[]
  readonly reseal: (item: Item) => Item
  readonly rewrite: (places: readonly string[], change: (item: Item) => Item) => Promise<number>
}

export interface ResealParts {
  /** As it is kept, below the one that seals. */
  readonly log: EventLog
  readonly encryption: Encryption
  readonly needs: NeededKeys
  readonly dryRun: boolean
  readonly signal: AbortSignal | undefined
}

/**
 * Seals anew what a log keeps beside its entries and an old key sealed: in dead letters, in the record of what operators did,
 * and for groups. Resolves to how many of those there were, and counts those that it could not.
 */
export async function resealTexts(parts: ResealParts): Promise<number> {
  const { log, encryption } = parts
  const { deadLetters } = log
  const { resealer } = encryption
  let resealed = await resealAll(parts, {
    what: 'deadLetters',
    read: (page) => deadLetters.list(page),
    placeOf: ({ id }) => id,
    textsOf: textsOfLetter,
    reseal: (letter) => resealer.letter(letter),
    rewrite: (ids, change) => deadLetters.rewrite(ids, change)
  })
  resealed += await resealAll(parts, {
    what: 'actions',
    read: (page) => deadLetters.actions(page),
    placeOf: ({ id }) => id,
    textsOf: ({ reason, letter }) => [reason, ...textsOfLetter(letter)],
    reseal: (action) => resealer.action(action),
    rewrite: (ids, change) => deadLetters.rewriteActions(ids, change)
  })
  for (const { name } of (await log.info()).groups) {
    const group = log.group(name)
    resealed += await resealAll(parts, {
      what: 'pending',
      read: async (page) =>
        (await group.pending(page)).map(({ messageId, note, amended }) => {
          return { messageId, ...(note !== undefined && { note }), ...(amended !== undefined && { amended }) }
        }),
      placeOf: ({ messageId }) => messageId,
      textsOf: ({ note, amended }) => [note, amended],
      reseal: (texts) => resealer.pending(texts, name),
      rewrite: (messageIds, change) => group.rewrite(messageIds, change)
    })
  }
  return resealed
}

async function resealAll<Item>(parts: ResealParts, kept: Kept<Item>): Promise<number> {
  let resealed = 0
  let after: string | undefined
  for (;;) {
    const range = { limit: STEP, ...(after !== undefined && { after }) }
    const { page, count } = await resealPage(parts, kept, range)
    resealed += count
    for (const item of page) note(parts, kept.what, kept.textsOf(item))
    const last = page.at(-1)
    if (last === undefined || page.length < STEP) return resealed
    after = kept.placeOf(last)
    // An embedded log answers at once: others in this process get their turn.
    await nextTurn()
  }
}

/** Resolves to a page as it would be when all was done, and to how many of it were rewritten, or with `dryRun` would be. */
async function resealPage<Item>(
  { dryRun, signal }: ResealParts,
  { read, placeOf, reseal, rewrite }: Kept<Item>,
  range: { limit: number; after?: string }
): Promise<{ page: readonly Item[]; count: number }> {
  const page = await read(range)
  if (signal?.aborted) return { page, count: 0 }
  const places = page.filter((item) => !isDeepStrictEqual(item, reseal(item))).map(placeOf)
  const count = dryRun || places.length === 0 ? places.length : await rewrite(places, reseal)
  return { page: page.map(reseal), count }
}

/** Counts an item by each old key that its texts need. */
function note({ encryption, needs }: ResealParts, what: Counted, texts: readonly Text[]): void {
  const keyIds = new Set(texts.map((text) => encryption.keyIdOf(text ?? null)))
  for (const keyId of keyIds) if (keyId !== undefined && keyId !== encryption.current) needs.add(keyId, what)
}

function textsOfLetter({ payload, firstError, lastError, note }: DeadLetter): Text[] {
  return [payload, firstError.message, firstError.stack, lastError.message, lastError.stack, note]
}
