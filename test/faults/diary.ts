import { openSync, writeSync } from 'node:fs'
import { readFile } from 'node:fs/promises'

/** A line of the diary, in which all processes of a run write down what they do, in the order in which they did it. */
export type Entry =
  /** The log has taken an event: the running number of its key. */
  | { readonly what: 'accepted'; readonly key: string; readonly number: number; readonly messageId: string }
  /** A handler begins with an event, ends with it, or throws. */
  | {
      readonly what: 'begun' | 'done' | 'failed'
      readonly key: string
      readonly number: number
      readonly messageId: string
      readonly attempt: number
      readonly token: number
      readonly consumer: string
    }

/** Appends to the diary. Each line is with the operating system when `write` returns: a process that is killed loses none. */
export class DiaryWriter {
  readonly #file: number

  constructor(path: string) {
    this.#file = openSync(path, 'a')
  }

  /** In one system call, so that the lines of several processes do not mix. */
  write(...entries: readonly Entry[]): void {
    writeSync(this.#file, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''))
  }
}

export async function readDiary(path: string): Promise<Entry[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line))
}
