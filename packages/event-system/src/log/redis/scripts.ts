import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { EventSystemError } from '@tradpal/events'
import type { Reply, Writer } from './connection.ts'
import { isReply } from './errors.ts'

/** The atomic steps of the log, each in a file of its own that says what it takes and returns; the number in a name is that of its keys, with an n for the streams of the log, or the counts, behind them. */
const SCRIPTS = {
  append: load('append-5n'),
  partition: load('partition-2n'),
  range: load('range-1n'),
  readGroup: load('read-group-3n'),
  seek: load('seek-1n'),
  acknowledge: load('acknowledge-4n'),
  settle: load('settle-10n'),
  held: load('held-4n'),
  extend: load('extend-1n'),
  release: load('release-2n'),
  claim: load('claim-4n'),
  createGroup: load('create-group-7n'),
  destroyGroup: load('destroy-group-6n'),
  keepPlace: load('keep-place-2n'),
  removeConsumer: load('remove-consumer-1n'),
  ledger: load('ledger-2'),
  record: load('record-1'),
  count: load('count-n'),
  requeue: load('requeue-8n'),
  discard: load('discard-3'),
  rewriteTexts: load('rewrite-texts-2'),
  rewritePending: load('rewrite-pending-3n'),
  trim: load('trim-1n'),
  remove: load('remove-1n'),
  countBehind: load('count-behind-1'),
  loadSharding: load('load-sharding-2n'),
  storeSharding: load('store-sharding-2n'),
  route: load('route-3n'),
  leftovers: load('leftovers-2n'),
  routeLeftovers: load('route-leftovers-2n'),
  nextOfShards: load('next-of-shards-4n')
} as const

export type ScriptName = keyof typeof SCRIPTS

interface Script {
  readonly text: string
  readonly hash: string
}

function load(name: string): Script {
  const text = textOf(name, new Set())
  return { text, hash: createHash('sha1').update(text).digest('hex') }
}

/** A line `-- Includes:` names files of functions, whose texts stand in its place, each once in a script. */
function textOf(name: string, known: Set<string>): string {
  if (known.has(name)) return ''
  known.add(name)
  const text = readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8')
  return text.replaceAll(/^-- Includes: (.+)$/gm, (_, names: string) =>
    names
      .split(', ')
      .map((one) => textOf(`include/${one}`, known))
      .join('\n')
  )
}

/** The scripts that have been run over a writer. */
const KNOWN = new WeakMap<Writer, Set<ScriptName>>()

function knownTo(writer: Writer): Set<ScriptName> {
  const known = KNOWN.get(writer) ?? new Set()
  KNOWN.set(writer, known)
  return known
}

/**
 * Runs a script by its hash; a server that is not known to have it, or has forgotten it, gets its text. It gets the text
 * until it has answered: by its hash alone a first call would be refused and sent again, behind calls of other scripts that
 * were made after it.
 */
export function runScript<R extends Reply>(
  writer: Writer,
  name: ScriptName,
  keys: readonly string[],
  args: readonly string[],
  timeoutMs?: number
): Promise<R> {
  const { text, hash } = SCRIPTS[name]
  const send = (command: 'EVAL' | 'EVALSHA', script: string) =>
    writer.write<R>([command, script, String(keys.length), ...keys, ...args], timeoutMs)
  const sendText = () =>
    send('EVAL', text).catch((error) => {
      throw naming(error, text)
    })
  const known = knownTo(writer)
  if (!known.has(name)) {
    return sendText().then((reply) => {
      known.add(name)
      return reply
    })
  }
  return send('EVALSHA', hash).catch((error) => {
    if (isReply(error, 'NOSCRIPT')) return sendText()
    throw naming(error, text)
  })
}

/** Redis before 7.2 says only on which line of a script stands the command that the user may not run. */
function naming(error: unknown, script: string): unknown {
  if (!(error instanceof EventSystemError) || !isReply(error, 'ERR The user executing the script')) return error
  const line = script.split('\n')[Number(/user_script:(\d+)/.exec(error.message)?.[1]) - 1] ?? ''
  const command = /call\('(\w+)'/.exec(line)?.[1]
  if (command === undefined) return error
  const message = `${error.message} That line wants +${command.toLowerCase()}.`
  return new EventSystemError(error.code, message, { cause: error.cause })
}
