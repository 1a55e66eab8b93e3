import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Connection, Reply } from './connection.ts'
import { isReply } from './errors.ts'

/** The atomic steps of the log, each in a file of its own that says what it takes and returns; the number in a name is that of its keys. */
const SCRIPTS = {
  append: load('append-3'),
  appendOne: load('append-one-3'),
  acknowledge: load('acknowledge-4'),
  settle: load('settle-9'),
  held: load('held-3'),
  extend: load('extend-1'),
  release: load('release-2'),
  claim: load('claim-4'),
  createGroup: load('create-group-7'),
  destroyGroup: load('destroy-group-6'),
  keepPlace: load('keep-place-2'),
  removeConsumer: load('remove-consumer-1'),
  ledger: load('ledger-2'),
  requeue: load('requeue-7'),
  discard: load('discard-2'),
  trim: load('trim-1'),
  remove: load('remove-1'),
  countBehind: load('count-behind-1'),
  loadSharding: load('load-sharding-2'),
  storeSharding: load('store-sharding-2'),
  route: load('route-3'),
  leftovers: load('leftovers-2'),
  routeLeftovers: load('route-leftovers-2'),
  nextOfShards: load('next-of-shards-4')
} as const

export type ScriptName = keyof typeof SCRIPTS

interface Script {
  readonly text: string
  readonly hash: string
}

/** A script's text begins with that of the files of functions that its line `-- Includes:` names, and those that they name. */
function load(name: string): Script {
  const parts = new Map<string, string>()
  include(name, parts)
  const text = [...parts.values()].join('\n')
  return { text, hash: createHash('sha1').update(text).digest('hex') }
}

function include(name: string, parts: Map<string, string>): void {
  if (parts.has(name)) return
  const text = readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8')
  const names = /^-- Includes: (.+)$/m.exec(text)?.[1]?.split(', ') ?? []
  for (const one of names) include(`include/${one}`, parts)
  parts.set(name, text)
}

/** Runs a script by its hash; a server that does not know it yet, or has forgotten it, gets its text. */
export function runScript<R extends Reply>(
  connection: Connection,
  name: ScriptName,
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
