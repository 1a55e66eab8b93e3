import type { Entry, Page, Position, Storage } from '../../log/index.ts'

const PAGE = 1_000

/** All entries of a type in the store of a spool, oldest first. */
export async function* pagesOf(store: Storage, eventType: string): AsyncIterable<readonly Entry[]> {
  let from: Position = 'start'
  for (;;) {
    const { entries, position }: Page = await store.log.read({ limit: PAGE, from, eventTypes: [eventType] })
    yield entries
    from = { after: position }
    if (entries.length < PAGE) return
  }
}
