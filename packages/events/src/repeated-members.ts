import { EventSystemError } from './errors.ts'
import { below, pathOf } from './json-pointer.ts'

/** Members are counted by recursion down to this depth, and deeper without it: a text may nest as deep as it likes. */
const MAX_RECURSION = 200
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
  if (membersWrittenIn(text) === membersOf(value, MAX_RECURSION)) return undefined
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

/** Counts the members of a value, and of all values inside of it. */
function membersOf(value: unknown, levels: number): number {
  if (typeof value !== 'object' || value === null) return 0
  if (levels === 0) return membersOfDeep(value)
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

function membersOfDeep(value: object): number {
  const waiting: unknown[] = [value]
  let members = 0
  while (waiting.length > 0) {
    const one = waiting.pop()
    if (typeof one !== 'object' || one === null) continue
    const inside = Object.values(one)
    if (!Array.isArray(one)) members += inside.length
    for (const deeper of inside) if (typeof deeper === 'object') waiting.push(deeper)
  }
  return members
}

/** An object or an array that the walk is inside of. */
interface Place {
  /** The name of the current member, or the index in an array. Undefined before the first member. */
  key: string | number | undefined
  /** All names so far, from the second on: most objects of a deep text have one. */
  names: Set<string> | undefined
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
      if (!nameNext || place === undefined) continue
      nameNext = false
      if (isRepeated(place, JSON.parse(literal))) return pointerOf(path)
    } else if (char === '{') {
      path.push({ key: undefined, names: undefined })
      nameNext = true
    } else if (char === '[') {
      path.push({ key: 0, names: undefined })
      nameNext = false
    } else if (char === '}' || char === ']') {
      path.pop()
      nameNext = false
    } else if (char === ',' && place !== undefined) {
      nameNext = typeof place.key !== 'number'
      if (typeof place.key === 'number') place.key++
    }
  }
  return undefined
}

/** Moves on to a member of an object. */
function isRepeated(place: Place, name: string): boolean {
  if (typeof place.key === 'string') place.names ??= new Set([place.key])
  place.key = name
  if (place.names?.has(name)) return true
  place.names?.add(name)
  return false
}

function pointerOf(path: readonly Place[]): string {
  return path.reduce((pointer, { key = '' }) => below(pointer, key), '')
}
