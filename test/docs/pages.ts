import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root of the repository. */
export const HOUSE = fileURLToPath(new URL('../..', import.meta.url))

/** A page that people read. */
export interface Page {
  /** From the root: `docs/consuming.md`. */
  readonly path: string
  readonly text: string
}

/** A fenced block of a page. */
export interface Listing {
  /** Where its first line is: `docs/consuming.md:4`. */
  readonly place: string
  /** What stands behind the fence: `ts`, `sh`, … */
  readonly language: string
  readonly text: string
}

/** A link of a page to another place in the repository. */
export interface Link {
  readonly place: string
  /** From the root. */
  readonly path: string
  readonly anchor: string | undefined
}

export const pages: readonly Page[] = globSync(
  ['*.md', 'docs/**/*.md', 'examples/*/*.md', 'bench/*.md', 'packages/*/README.md'],
  {
    cwd: HOUSE
  }
)
  .sort()
  .map((path) => ({ path, text: readFileSync(join(HOUSE, path), 'utf8') }))

/** A fence opens with its language and closes with the same marks; in a list it may be indented. One that is not closed has what follows. */
const FENCED = /^( *)(`{3,}|~{3,})([^\n`]*)\n(.*?)(?:^ *\2 *$|(?![\s\S]))/gms

export function listingsOf({ path, text }: Page): Listing[] {
  return [...text.matchAll(FENCED)].map((match) => {
    const [, indent = '', , language = '', block = ''] = match
    return {
      place: `${path}:${lineAt(text, match.index) + 1}`,
      language: language.trim(),
      text: block.replaceAll(new RegExp(`^ {0,${indent.length}}`, 'gm'), '')
    }
  })
}

export function linksOf({ path, text }: Page): Link[] {
  const prose = withoutListings(text).replaceAll(/`[^`\n]+`/g, (code) => ' '.repeat(code.length))
  return [...prose.matchAll(/\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)/gm)]
    .map((match) => ({ href: match[1] ?? match[2] ?? '', at: match.index }))
    .filter(({ href }) => !/^[a-z]+:/.test(href))
    .map(({ href, at }) => {
      const [target = '', anchor] = href.split('#')
      const pointsAt = target === '' ? path : relative(HOUSE, join(HOUSE, dirname(path), target))
      return { place: `${path}:${lineAt(prose, at)}`, path: pointsAt, anchor }
    })
}

/** The anchors that GitHub gives the headings of a page. */
export function anchorsOf(text: string): string[] {
  return [...withoutListings(text).matchAll(/^#+ (.+)$/gm)].map((match) =>
    (match[1] ?? '')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-')
  )
}

/** The same lines, those of the listings blank. */
function withoutListings(text: string): string {
  return text.replaceAll(FENCED, (block) => block.replaceAll(/[^\n]/g, ' '))
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}
