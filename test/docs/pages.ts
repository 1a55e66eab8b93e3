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

export const pages: readonly Page[] = globSync(['*.md', 'docs/**/*.md', 'examples/*/*.md', 'bench/*.md'], {
  cwd: HOUSE
})
  .sort()
  .map((path) => ({ path, text: readFileSync(join(HOUSE, path), 'utf8') }))

export function listingsOf({ path, text }: Page): Listing[] {
  return [...text.matchAll(/^```([^\n`]*)\n(.*?)^```$/gms)].map((match) => ({
    place: `${path}:${lineAt(text, match.index) + 1}`,
    language: match[1]?.trim() ?? '',
    text: match[2] ?? ''
  }))
}

export function linksOf({ path, text }: Page): Link[] {
  const prose = text.replaceAll(/^```.*?^```$/gms, (block) => block.replaceAll(/[^\n]/g, ' '))
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .filter((match) => !/^[a-z]+:/.test(match[1] ?? ''))
    .map((match) => {
      const [target = '', anchor] = (match[1] ?? '').split('#')
      const pointsAt = target === '' ? path : relative(HOUSE, join(HOUSE, dirname(path), target))
      return { place: `${path}:${lineAt(prose, match.index)}`, path: pointsAt, anchor }
    })
}

/** The anchors that GitHub gives the headings of a page. */
export function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map((match) =>
    (match[1] ?? '')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-')
  )
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}
