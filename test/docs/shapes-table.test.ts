import { expect, test } from 'vitest'
import { pages } from './pages.ts'
import { shapeRows } from './shapes-table.ts'

test('docs/existing-services.md lists the shapes that the compatibility kit sends, with what becomes of them', () => {
  const page = pages.find(({ path }) => path === 'docs/existing-services.md')
  const tables = page?.text.split('| --- | --- | --- | --- |\n').slice(1)
  const rows = tables?.map((table) => table.split('\n\n')[0]?.trimEnd().split('\n'))
  expect(rows).toEqual([shapeRows.upcast, shapeRows.deadForTypedHandlers, shapeRows.refused])
})
