import { EventSystemError } from './errors.ts'
import { below, pathOf } from './json-pointer.ts'

/** Members of deeper values are not counted. The slower walk through the text decides for them. */
const MAX_COUNTED_NESTING = 200
const COLON = ':'
const QUOTE = 0x22
const BLANK = 0x20
const STRING = /"[^"\\]*(?:\\.[^"\\]*)*"/y

/**
 * The JSON pointer of a member that an object in a JSON text repeats. Readers differ on which of the two counts. `value` is
 * the result of JSON.parse of the text. Undefined when no object repeats a member.
 */
export function repeatedMemberIn(text: string, value: unknown): string | undefined {
  // The first count is never too low, so equal counts mean that no member is repeated. They are nearly always equal.
  if (membersWrittenIn(text) === membersOf(value, MAX_COUNTED_NESTING)) return undefined
  return findRepeated(text)
}

/** Throws `invalid_json`, with the pointer, for a text with a {@link repeatedMemberIn repeated member}. */
export function assertMembersOnce(text: string, value: unknown): void {
  const pointer = repeatedMemberIn(text, value)
  if (pointer === undefined) return
  const sentence = `${pathOf(pointer) || 'A member'} is given more than once; an object may have each member once.`
  throw new EventSystemError('invalid_json', sentence, { pointer })
}

/** Counts colons after a quote: every member, and possibly colons inside of strings. */
function membersWrittenIn(text: string): number {
  let members = 0
  for (let colon = text.indexOf(COLON); colon !== -1; colon = text.indexOf(COLON, colon + 1)) {
    let before = colon - 1
    let char = text.charCodeAt(before)
    // White space may stand between a name and its colon.
    while (char <= BLANK) char = text.charCodeAt(--before)
    if (char === QUOTE) members++
  }
  return members
}

/** NaN when the value nests deeper than `levels`. */
function membersOf(value: unknown, levels: number): number {
  if (typeof value !== 'object' || value === null) return 0
  if (levels === 0) return Number.NaN
  let members = 0
  if (Array.isArray(value)) {
    for (const one of value) if (typeof one === 'object') members += membersOf(one, levels - 1)
    return members
  }
  for (const key in value) {
    members++
    const one = (value as Record<string, unknown>)[key]
    if (typeof one === 'object') members += membersOf(one, levels - 1)
  }
  return members
}

/** An object or an array that the walk is inside of. */
interface Place {
  /** The names so far; undefined in an array. */
  readonly names: Set<string> | undefined
  key: string | number
}

/** Walks the text without recursion: a text may nest as deep as it likes. */
function findRepeated(text: string): string | undefined {
  const path: Place[] = []
  let nameNext = false
  for (let i = 0; i < text.length; i++) {
    const char = text[i] as string
    const place = path.at(-1)
    if (char === '"') {
      STRING.lastIndex = i
      const literal = STRING.exec(text)?.[0] ?? '"'
      i += literal.length - 1
      if (!nameNext || place?.names === undefined) continue
      nameNext = false
      place.key = JSON.parse(literal) as string
      if (place.names.has(place.key)) return path.map(({ key }) => key).reduce<string>(below, '')
      place.names.add(place.key)
    } else if (char === '{') {
      path.push({ names: new Set(), key: '' })
      nameNext = true
    } else if (char === '[') {
      path.push({ names: undefined, key: 0 })
      nameNext = false
    } else if (char === '}' || char === ']') {
      path.pop()
      nameNext = false
    } else if (char === ',' && place !== undefined) {
      nameNext = place.names !== undefined
      if (typeof place.key === 'number') place.key++
    }
  }
  return undefined
}
