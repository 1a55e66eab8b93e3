import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Connection, Reply } from './connection.ts'
import { isReply } from './errors.ts'

/** The atomic steps of the log, each in a file of its own that says what it takes and returns; the number in a name is that of its keys. */
const SCRIPTS = {
  append: load('append-3'),
  appendOne: load('append-one-3'),
  redeliver: load('redeliver-1'),
  extend: load('extend-1'),
  release: load('release-1'),
  claim: load('claim-1'),
  deadLetter: load('dead-letter-2'),
  requeue: load('requeue-2'),
  removeConsumer: load('remove-consumer-1'),
  trim: load('trim-1'),
  countBehind: load('count-behind-1')
} as const

interface Script {
  readonly text: string
  readonly hash: string
}

function load(name: string): Script {
  const text = readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8')
  return { text, hash: createHash('sha1').update(text).digest('hex') }
}

/** Runs a script by its hash; a server that does not know it yet, or has forgotten it, gets its text. */
export function runScript<R extends Reply>(
  connection: Connection,
  name: keyof typeof SCRIPTS,
  keys: readonly string[],
  args: readonly string[],
  timeoutMs?: number
): Promise<R> {
  const { text, hash } = SCRIPTS[name]
  const tail = [String(keys.length), ...keys, ...args]
  return connection.write<R>(['EVALSHA', hash, ...tail], timeoutMs).catch((error) => {
    if (!isReply(error, 'NOSCRIPT')) throw error
    return connection.write<R>(['EVAL', text, ...tail], timeoutMs)
  })
}
