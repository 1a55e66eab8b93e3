import type { Entry, EventLog, MessageId } from '../../log/index.ts'

const PAGE = 1_000

/** All entries of a type in the store of a spool, oldest first. */
export async function* pagesOf(store: EventLog, eventType: string): AsyncIterable<readonly Entry[]> {
  let after: MessageId | undefined
  for (;;) {
    const from = after === undefined ? 'start' : { after }
    const page = await store.read({ limit: PAGE, from, eventTypes: [eventType] })
    yield page
    after = page.at(-1)?.messageId
    if (page.length < PAGE) return
  }
}
