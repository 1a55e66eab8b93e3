/** The columns of a CSV that `export` writes when none are named: the parts of an event, and its place in the log. */
export const EVENT_COLUMNS = ['message_id', 'event_type', 'event_id', 'timestamp', 'source', 'data', 'metadata']

/** Whether a column is one that `export` can write: a part of an event, or a field such as `data.symbol`. */
export function isExportColumn(name: string): boolean {
  return EVENT_COLUMNS.includes(name) || /^(?:data|metadata)\../s.test(name)
}

/** Whether the names of columns are certainly those of an export: what an event carries is among them. */
export function isExportHead(names: readonly string[]): boolean {
  return names.every(isExportColumn) && names.some((name) => name === 'event_type' || /^data(?:\.|$)/.test(name))
}
