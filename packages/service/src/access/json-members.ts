/**
 * Whether no object in a JSON text has a member twice: which of the two counts depends on who reads it, and is nothing to
 * rest a decision on. Throws a SyntaxError for what is no JSON.
 */
export function hasEachMemberOnce(json: string): boolean {
  const written = [...json.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)].filter(([, colon]) => colon !== undefined).length
  return written === membersIn(JSON.parse(json))
}

/** How many members all its objects have. Without recursion: a text decides how deep it is. */
function membersIn(value: unknown): number {
  const values = [value]
  let members = 0
  for (const one of values) {
    if (typeof one !== 'object' || one === null) continue
    const inside = Object.values(one)
    if (!Array.isArray(one)) members += inside.length
    values.push(...inside)
  }
  return members
}
