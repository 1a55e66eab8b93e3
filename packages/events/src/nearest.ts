import { shown } from './json-value.ts'

/** How many single-letter changes lead from one word to the other (Levenshtein). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] as number) + (from[i - 1] === to[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[to.length] as number
}

/**
 * The `count` known words that a mistyped one resembles most, most alike first. With `mostChanges` only those within that
 * many single-letter changes. Upper and lower case count as the same.
 */
export function nearestOf(
  word: string,
  known: readonly string[],
  count: number,
  mostChanges = Number.POSITIVE_INFINITY
): string[] {
  const typed = word.slice(0, 64).toLowerCase()
  return known
    .map((name) => ({ name, distance: editDistance(typed, name.toLowerCase()) }))
    .filter(({ distance }) => distance <= mostChanges)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, count)
    .map(({ name }) => name)
}

/**
 * The known name that a mistyped one most likely means: the same one in another spelling (`eventType` for `event_type`), or
 * one that is at most two letters off. Undefined when there is none.
 */
export function meantBy(word: string, known: readonly string[]): string | undefined {
  const typed = lettersOf(word)
  const respelt = known.find((name) => lettersOf(name) === typed)
  if (respelt !== undefined) return respelt
  return nearestOf(word, known, 1, word.length > 4 ? 2 : 1)[0]
}

function lettersOf(name: string): string {
  return name.replaceAll(/[_-]/g, '').toLowerCase()
}

/** Comparing all keys of a large object would hold up all other work. */
const MOST_KEYS = 100

/**
 * The end of a sentence that says that a name is missing, when one of the first 100 keys of an object most likely means it;
 * else empty.
 */
export function misspeltAs(name: string, object: object): string {
  const keys = Object.keys(object).slice(0, MOST_KEYS)
  const key = keys.find((one) => meantBy(one, [name]) !== undefined)
  return key === undefined ? '' : `; ${shown(key)} must be written ${name}`
}
