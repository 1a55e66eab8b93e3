import { openSync, writeSync } from 'node:fs'
import { readFile } from 'node:fs/promises'

/** Appends to a diary, in which all processes of a run write down what they do. Each line is with the operating system when `write` returns: a process that is killed loses none. */
export class DiaryWriter<Entry> {
  readonly #file: number

  constructor(path: string) {
    this.#file = openSync(path, 'a')
  }

  /** In one system call, so that the lines of several processes do not mix. */
  write(...entries: readonly Entry[]): void {
    writeSync(this.#file, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''))
  }
}

/** In the order in which it was written. */
export async function readDiary<Entry>(path: string): Promise<Entry[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line))
}
