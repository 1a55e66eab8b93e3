const ID = String.raw`\d+-\d+(\.\d+)?`
const POSITION = new RegExp(`^${ID}(,${ID})*$`)

/** Whether a text has the form of a position: message ids, with commas between them where a log has a stream for each event type. */
export function isPosition(text: string): boolean {
  return POSITION.test(text)
}
