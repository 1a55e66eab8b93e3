import { expect, test } from 'vitest'
import { eventTypeRows } from './event-types-table.ts'
import { pages } from './pages.ts'

test('docs/events.md has a row for each event type, as its schema says', () => {
  const page = pages.find(({ path }) => path === 'docs/events.md')
  const rows = page?.text.split('\n').filter((line) => /^\| `[a-z_]+` \| [A-Z].* \|$/.test(line))
  expect(rows).toEqual(eventTypeRows())
})
