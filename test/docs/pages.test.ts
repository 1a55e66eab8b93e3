import { expect, test } from 'vitest'
import { anchorsOf, linksOf, listingsOf } from './pages.ts'

const page = (...lines: string[]) => ({ path: 'docs/page.md', text: `${lines.join('\n')}\n` })

test('a listing has its language, its text and the line where it begins, in a list too', () => {
  const listings = listingsOf(
    page('# Page', '```sh', 'echo 1', '```', '', '- so:', '', '  ```ts', '  a()', '    b()', '  ```')
  )

  expect(listings).toEqual([
    { place: 'docs/page.md:3', language: 'sh', text: 'echo 1\n' },
    { place: 'docs/page.md:9', language: 'ts', text: 'a()\n  b()\n' }
  ])
})

test('a listing without a language, in tildes, or without an end is found all the same', () => {
  const listings = listingsOf(page('```', 'a', '```', '~~~js', 'b', '~~~', '```sh', 'c'))

  expect(listings.map(({ language, text }) => [language, text])).toEqual([
    ['', 'a\n'],
    ['js', 'b\n'],
    ['sh', 'c\n']
  ])
})

test('links to places in the repository are found where they are links', () => {
  const links = linksOf(
    page(
      '[a](b.md#c) [d](../README.md) [e](#f) <https://g> [h](https://i) `[j](k.md)`',
      '```text',
      '[l](m.md)',
      '```',
      '[n]: o.md'
    )
  )

  expect(links).toEqual([
    { place: 'docs/page.md:1', path: 'docs/b.md', anchor: 'c' },
    { place: 'docs/page.md:1', path: 'README.md', anchor: undefined },
    { place: 'docs/page.md:1', path: 'docs/page.md', anchor: 'f' },
    { place: 'docs/page.md:5', path: 'docs/o.md', anchor: undefined }
  ])
})

test('a heading has the anchor that GitHub gives it, and a comment in a listing has none', () => {
  const { text } = page('## What is refused, and `why`', '```sh', '# a comment', '```', '### close()')

  expect(anchorsOf(text)).toEqual(['what-is-refused-and-why', 'close'])
})
