/** A count and its noun: `1 event`, `2 events`, `0 entries`. Default of the plural: the noun with an s. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`
}
