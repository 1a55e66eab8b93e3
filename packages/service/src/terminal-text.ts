import { stringifyJson } from '@tradpal/events'

/**
 * Characters that steer a terminal, begin a line or change the order in which text is shown: the controls C0, DEL and C1, the
 * separators of lines and paragraphs, and the marks, embeddings, overrides and isolates of bidirectional text.
 */
const STEERING = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u
const EACH_STEERING = new RegExp(STEERING, 'gu')

/** Whether a terminal would obey a part of the text instead of showing it. */
export function steersTerminal(text: string): boolean {
  return STEERING.test(text)
}

/**
 * The text on one line, for a terminal: a character that would steer it is shown as its escape, such as `\u001b`. JSON without
 * line breaks stays JSON of the same value, because such characters stand only inside its strings.
 */
export function printable(text: string): string {
  return text.replace(EACH_STEERING, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** As {@link printable}, for a text of several lines. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n')
}

/** JSON on one line in which no character steers a terminal. It parses to the same value as stringifyJson's. */
export function printableJson(value: unknown): string {
  return printable(stringifyJson(value))
}
