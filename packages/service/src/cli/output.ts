import { once } from 'node:events'
import colours from 'picocolors'
import { printable, printableJson } from '../terminal-text.ts'
import type { Surroundings, TextOutput } from './surroundings.ts'

type Style = 'bold' | 'dim' | 'cyan' | 'green' | 'yellow' | 'red'

/** A text that is shown in a style where the terminal has colours. */
export interface Styled {
  readonly style: Style
  readonly text: string
}

export function styled(style: Style, text: string): Styled {
  return { style, text }
}

/**
 * Where a command writes: tables for people, JSON for machines. Data goes to standard output, everything else to standard error.
 * No method but `write` lets a text steer the terminal, whatever events, groups, keys or errors hold.
 */
export class Output {
  /** One JSON document, or NDJSON for lists of events. */
  readonly json: boolean
  /** They do nothing where colours are not wanted: no terminal, or NO_COLOR. */
  readonly #colours: ReturnType<typeof colours.createColors>
  readonly #stdout: TextOutput
  readonly #stderr: TextOutput

  constructor(json: boolean, { stdout, stderr, env }: Pick<Surroundings, 'stdout' | 'stderr' | 'env'>) {
    this.json = json
    this.#stdout = stdout
    this.#stderr = stderr
    const plain = env.NO_COLOR !== undefined && env.NO_COLOR !== ''
    this.#colours = colours.createColors(stdout.isTTY === true && !plain && env.TERM !== 'dumb')
  }

  /** The width of the terminal; undefined when the output goes elsewhere, where nothing is shortened. */
  get width(): number | undefined {
    return this.#stdout.isTTY ? this.#stdout.columns : undefined
  }

  /** Whether a person watches standard error: for progress. */
  get watched(): boolean {
    return this.#stderr.isTTY === true
  }

  /** Standard error itself, for what draws on the terminal. */
  get terminal(): TextOutput {
    return this.#stderr
  }

  /** Writes text as it stands, which must not steer a terminal: see `terminal-text.ts`. Resolves when the reader has room for more. */
  async write(text: string): Promise<void> {
    if (!this.#stdout.write(text)) await once(this.#stdout, 'drain')
  }

  /** One line for people, of these parts. */
  async line(...parts: readonly (string | Styled)[]): Promise<void> {
    const shown = parts.map((part) =>
      typeof part === 'string' ? printable(part) : this.#colours[part.style](printable(part.text))
    )
    await this.write(`${shown.join('').trimEnd()}\n`)
  }

  /** A document for machines, on one line. */
  async document(value: unknown): Promise<void> {
    await this.write(`${printableJson(value)}\n`)
  }

  /** Rows under a head, in columns. */
  async table(head: readonly string[], rows: readonly (readonly string[])[]): Promise<void> {
    const { default: Table } = await import('cli-table3')
    const none = ['top', 'bottom', 'left', 'right', 'mid'].flatMap((side) =>
      ['', '-mid', '-left', '-right'].map((end) => [`${side}${end}`, ''])
    )
    const table = new Table({
      head: head.map((title) => this.#colours.bold(title)),
      chars: { ...Object.fromEntries(none), middle: '  ' },
      style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 }
    })
    table.push(...rows.map((row) => row.map(printable)))
    await this.write(`${table.toString().replace(/ +$/gm, '')}\n`)
  }

  /** Something to know beside the data, for people only. */
  note(text: string): void {
    if (!this.json) this.#stderr.write(`${printable(text)}\n`)
  }

  /** What went wrong: one line for people, one JSON object for machines. */
  error(error: unknown, exitCode: number): void {
    const { code = 'internal', message, pointer, errors, index, conflicts } = error as Partial<Record<string, unknown>>
    const sentence = String(message ?? error).replace(/\s*\n\s*/g, ' ')
    const details = { code, message: sentence, pointer, errors, index, conflicts, exit_code: exitCode }
    this.#stderr.write(
      this.json ? `${printableJson({ error: details })}\n` : `error: ${printable(sentence)} (${code})\n`
    )
  }
}
