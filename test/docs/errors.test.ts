import { join } from 'node:path'
import { ERROR_CODES } from '@tradpal/events'
import { expect, test } from 'vitest'
import { errorsPage } from './errors-page.ts'
import { HOUSE } from './pages.ts'

test('docs/errors.md is what the table of codes says; `npx vitest run test/docs/errors.test.ts -u` writes it anew', async () => {
  await expect(errorsPage()).toMatchFileSnapshot(join(HOUSE, 'docs/errors.md'))
})

test('every code stands in one group of the page', () => {
  const named = [...errorsPage().matchAll(/^\| `(\w+)` \|/gm)].map(([, code]) => code)
  expect(named).toEqual(Object.keys(ERROR_CODES))
})
