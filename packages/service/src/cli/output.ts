import { once } from 'node:events'
import colours from 'picocolors'

/** Text from events goes to a terminal: what could steer the terminal is shown as an escape instead. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

/** Where a command writes: tables for people, JSON for machines. Data goes to standard output, everything else to standard error. */
export class Output {
  /** One JSON document, or NDJSON for lists of events. */
  readonly json: boolean
  /** Does nothing where colours are not wanted: no terminal, or NO_COLOR. */
  readonly colour: ReturnType<typeof colours.createColors>
  readonly #stdout: NodeJS.WriteStream
  readonly #stderr: NodeJS.WriteStream

  constructor(json: boolean, { stdout, stderr, env } = process) {
    this.json = json
    this.#stdout = stdout
    this.#stderr = stderr
    const plain = env.NO_COLOR !== undefined && env.NO_COLOR !== ''
    this.colour = colours.createColors(stdout.isTTY === true && !plain && env.TERM !== 'dumb')
  }

  /** The width of the terminal; undefined when the output goes elsewhere, where nothing is shortened. */
  get width(): number | undefined {
    return this.#stdout.isTTY ? this.#stdout.columns : undefined
  }

  /** Whether a person watches standard error: for progress. */
  get watched(): boolean {
    return this.#stderr.isTTY === true
  }

  /** Resolves when the reader has room for more. */
  async write(text: string): Promise<void> {
    if (!this.#stdout.write(text)) await once(this.#stdout, 'drain')
  }

  async line(text: string): Promise<void> {
    await this.write(`${text}\n`)
  }

  /** A document for machines, on one line. */
  async document(value: unknown): Promise<void> {
    await this.line(JSON.stringify(value))
  }

  /** Rows under a head, in columns. */
  async table(head: readonly string[], rows: readonly (readonly string[])[]): Promise<void> {
    const { default: Table } = await import('cli-table3')
    const none = ['top', 'bottom', 'left', 'right', 'mid'].flatMap((side) =>
      ['', '-mid', '-left', '-right'].map((end) => [`${side}${end}`, ''])
    )
    const table = new Table({
      head: head.map((title) => this.colour.bold(title)),
      chars: { ...Object.fromEntries(none), middle: '  ' },
      style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 }
    })
    table.push(...rows.map((row) => row.map(printable)))
    await this.line(table.toString().replace(/ +$/gm, ''))
  }

  /** Something to know beside the data, for people only. */
  note(text: string): void {
    if (!this.json) this.#stderr.write(`${text}\n`)
  }

  /** What went wrong: one line for people, one JSON object for machines. */
  error(error: unknown, exitCode: number): void {
    const { code = 'internal', message, pointer, index } = error as Partial<Record<string, unknown>>
    const sentence = String(message ?? error).replace(/\s*\n\s*/g, ' ')
    const details = { code, message: sentence, pointer, index, exit_code: exitCode }
    this.#stderr.write(
      this.json ? `${JSON.stringify({ error: details })}\n` : `error: ${printable(sentence)} (${code})\n`
    )
  }
}
