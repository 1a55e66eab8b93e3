import { expect, test } from 'vitest'
import { eventTypeRows, guardedFieldRows } from './event-types-table.ts'
import { pages } from './pages.ts'

test('docs/events.md has a row for each event type, as its schema says', () => {
  const page = pages.find(({ path }) => path === 'docs/events.md')
  const rows = page?.text.split('\n').filter((line) => /^\| `[a-z_]+` \| [A-Z].* \|$/.test(line))
  expect(rows).toEqual(eventTypeRows())
})

test('docs/events.md has a row for the guarded fields of each event type, as its schema marks them', () => {
  const page = pages.find(({ path }) => path === 'docs/events.md')
  const table = page?.text.split('| type | guarded fields |\n| --- | --- |\n')[1]?.split('\n\n')[0]
  expect(table?.split('\n')).toEqual(guardedFieldRows())
})
