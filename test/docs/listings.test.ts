import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ListingRunner } from './listing-runner.ts'
import { anchorsOf, HOUSE, type Listing, linksOf, listingsOf, pages } from './pages.ts'

/** These start or test the house itself: the continuous integration runs them, not this test. */
const OF_THE_HOUSE = ['npm ci && npm start\n', 'npm test\n', 'npm ci\nnpm test\nnpm run check\n']
const RUN = ['ts', 'js', 'sh', 'python']
/** What is shown: output, configuration, data. */
const SHOWN = ['text', 'json', 'http', 'ini', 'yaml', 'csv', 'prometheus']

const listings = pages.flatMap(listingsOf)
const executed = listings.filter(({ language, text }) => RUN.includes(language) && !OF_THE_HOUSE.includes(text))

let runner: ListingRunner
beforeAll(async () => {
  runner = await ListingRunner.start()
})
afterAll(() => runner?.stop())

describe('every listing does what its page says', () => {
  test.each(executed.map((listing) => [listing.place, listing] as const))(
    '%s',
    { timeout: 130_000 },
    async (_, listing) => {
      const outcome = await runner.run(listing)
      expect(outcome, `${listing.text}\n${outcome.stdout}${outcome.stderr}`).toMatchObject({ exitCode: 0 })
      for (const line of announced(listing)) expect(outcome.stdout).toMatch(line)
    }
  )

  test('and its types are right', { timeout: 130_000 }, async () => {
    const typed = executed.filter(({ language }) => language === 'ts')
    const paths = await Promise.all(typed.map((listing) => runner.write(listing)))
    expect(await runner.typecheck(paths)).toEqual({ exitCode: 0, stdout: '', stderr: '' })
  })
})

test('every listing has a language of which it is known whether it is run or shown', () => {
  const strange = listings.filter(({ language }) => !RUN.includes(language) && !SHOWN.includes(language))
  expect(strange.map(({ place, language }) => `${place} ${language}`)).toEqual([])
})

test('what is left out is there to be left out', () => {
  const texts = listings.map(({ text }) => text)
  expect(OF_THE_HOUSE.filter((text) => !texts.includes(text))).toEqual([])
})

test('every link within the repository leads to a file and, where it names one, to a heading', () => {
  const broken = pages.flatMap(linksOf).filter(({ path, anchor }) => {
    const target = join(HOUSE, path)
    if (!existsSync(target)) return true
    return anchor !== undefined && !anchorsOf(readFileSync(target, 'utf8')).includes(anchor)
  })
  expect(broken).toEqual([])
})

/** The lines that a listing says it prints, `console.log(x) // true`. A `…` in one stands for what differs each time. */
function announced({ text }: Listing): RegExp[] {
  return [...text.matchAll(/console\.log\(.*\) \/\/ (.+)$/gm)].map(([, line = '']) => {
    const literal = line.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    return new RegExp(`^${literal.join('.*')}$`, 'm')
  })
}
