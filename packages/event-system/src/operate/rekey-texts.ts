import { setImmediate as nextTurn } from 'node:timers/promises'
import { type AttachmentContent, type Encryption, parseAttachment, toAttachment } from '../codec/index.ts'
import { ACTIONS, DEAD_LETTERS, type DeadLetter, type DeadLetterAction } from '../dead-letters/index.ts'
import {
  type Document,
  type MessageId,
  type PartitionedGroup,
  type PendingEntry,
  partitionedGroup,
  type Storage,
  type Unit
} from '../log/index.ts'
import type { Counted, NeededKeys } from './needed-keys.ts'
import { resealedAction, resealedAttachment, resealedLetter } from './resealed.ts'

/** Documents or pending entries that are read, and rewritten, at a time: each may hold a payload and stacks. */
const STEP = 100

type Text = string | null | undefined

/** Something beside the entries that quotes them: its texts now, and once they are sealed with the current key. */
interface Quoting {
  readonly id: string
  readonly texts: readonly Text[]
  readonly resealed: readonly Text[]
  /** What writes it. It is refused when somebody else has changed it meanwhile. */
  readonly unit: Unit
}

export interface ResealParts {
  readonly storage: Storage
  readonly encryption: Encryption
  readonly needs: NeededKeys
  readonly dryRun: boolean
  readonly signal: AbortSignal | undefined
}

/**
 * Seals what a log keeps beside its entries and an old key sealed: in dead letters, in the record of what operators did, and for
 * groups. Resolves to how many of those there were, and counts those that it could not.
 */
export async function resealTexts(parts: ResealParts): Promise<number> {
  const { storage } = parts
  let resealed = await resealAll(parts, 'deadLetters', (page) => lettersOf(parts, page))
  resealed += await resealAll(parts, 'actions', (page) => actionsOf(parts, page))
  for (const name of await storage.groupNames()) {
    resealed += await resealAll(parts, 'pending', (page) => pendingOf(parts, name, page))
  }
  return resealed
}

type Page = { readonly limit: number; readonly after?: string }

async function resealAll(
  parts: ResealParts,
  what: Counted,
  read: (page: Page) => Promise<readonly Quoting[]>
): Promise<number> {
  let resealed = 0
  let after: string | undefined
  for (;;) {
    const page = await read({ limit: STEP, ...(after !== undefined && { after }) })
    resealed += await resealPage(parts, what, page)
    after = page.at(-1)?.id
    if (page.length < STEP) return resealed
    // An embedded log answers at once: others in this process get their turn.
    await nextTurn()
  }
}

/** Resolves to how many were written, or with `dryRun` would be. One that somebody has changed meanwhile counts as it was. */
async function resealPage(
  { storage, encryption, needs, dryRun, signal }: ResealParts,
  what: Counted,
  page: readonly Quoting[]
) {
  const old = page.filter(({ texts, resealed }) => texts.some((text, i) => text !== resealed[i]))
  const isWritten = !dryRun && !signal?.aborted && old.length > 0
  const results = isWritten ? await storage.commit(old.map(({ unit }) => unit)) : []
  const done = new Set(old.filter((_, i) => dryRun || results[i]?.kind === 'committed'))
  for (const one of page) note(encryption, needs, what, done.has(one) ? one.resealed : one.texts)
  return signal?.aborted ? 0 : done.size
}

/** Counts an item by each old key that its texts need. */
function note(encryption: Encryption, needs: NeededKeys, what: Counted, texts: readonly Text[]): void {
  const keyIds = new Set(texts.map((text) => encryption.keyIdOf(text ?? null)))
  for (const keyId of keyIds) if (keyId !== undefined && keyId !== encryption.current) needs.add(keyId, what)
}

async function lettersOf({ storage, encryption }: ResealParts, page: Page): Promise<Quoting[]> {
  return (await storage.collections.list(DEAD_LETTERS, page)).map((document) => {
    const letter = JSON.parse(document.value) as DeadLetter
    const resealed = resealedLetter(letter, encryption)
    return ofDocument(DEAD_LETTERS, document, { texts: textsOf(letter), resealed: textsOf(resealed), after: resealed })
  })
}

async function actionsOf({ storage, encryption }: ResealParts, page: Page): Promise<Quoting[]> {
  return (await storage.collections.list(ACTIONS, page)).map((document) => {
    const action = JSON.parse(document.value) as DeadLetterAction
    const after = resealedAction(action, encryption)
    const texts = [action.reason, ...textsOf(action.letter)]
    return ofDocument(ACTIONS, document, { texts, resealed: [after.reason, ...textsOf(after.letter)], after })
  })
}

function ofDocument(
  collection: string,
  { id, revision }: Document,
  { texts, resealed, after }: { texts: readonly Text[]; resealed: readonly Text[]; after: unknown }
): Quoting {
  const write = [{ collection, id, value: JSON.stringify(after), expected: revision }]
  return { id, texts, resealed, unit: { write } }
}

async function pendingOf(parts: ResealParts, group: string, page: Page): Promise<Quoting[]> {
  const partitioned = await partitionedGroup(parts.storage, group)
  return partitioned === undefined ? pendingOfQueue(parts, group, page) : pendingOfPartitioned(partitioned, page)
}

/** What a partitioned group keeps of its entries is its members' alone: the old key is needed until the entries are finished. */
async function pendingOfPartitioned(group: PartitionedGroup, page: Page): Promise<Quoting[]> {
  return (await group.pending(page)).map(({ messageId, attachment = '{}' }) => {
    const texts = textsIn(parseAttachment(attachment))
    return { id: messageId, texts, resealed: texts, unit: {} }
  })
}

async function pendingOfQueue({ storage, encryption }: ResealParts, group: string, page: Page): Promise<Quoting[]> {
  return (await storage.queue(group).pending(page)).map(
    ({ messageId, attachment = '{}' }: PendingEntry & { messageId: MessageId }) => {
      const before = parseAttachment(attachment)
      const after = resealedAttachment(before, [group, messageId], encryption)
      const attach = [{ group, messageId, text: toAttachment(after), if: { from: attachment } }]
      return { id: messageId, texts: textsIn(before), resealed: textsIn(after), unit: { attach } }
    }
  )
}

function textsOf({ payload, firstError, lastError, note }: DeadLetter): Text[] {
  return [
    payload,
    firstError.message,
    firstError.stack,
    firstError.pointer,
    lastError.message,
    lastError.stack,
    lastError.pointer,
    note
  ]
}

function textsIn({ progress, payload }: AttachmentContent): Text[] {
  return [progress, payload]
}
