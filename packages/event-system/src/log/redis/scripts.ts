import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { EventSystemError } from '@tradpal/events'
import type { Reply, Writer } from './connection.ts'
import { isReply } from './errors.ts'

/** What stands in the place of an include, in a log with a stream for each event type. */
const BY_TYPE = { 'one-stream': 'stream-by-type' }

/** The atomic steps of the log, each in a file of its own that says what it takes and returns; the number in a name is that of its keys, with an n for any number. */
const SCRIPTS = {
  append: load('append-n'),
  appendByType: load('append-n', BY_TYPE),
  seek: load('seek-n'),
  acknowledge: load('acknowledge-n'),
  extend: load('extend-1'),
  release: load('release-2'),
  claim: load('claim-n'),
  createGroup: load('create-group-3'),
  createGroupByType: load('create-group-by-type-n'),
  destroyGroup: load('destroy-group-3'),
  destroyGroupByType: load('destroy-group-by-type-n'),
  joinGroupByType: load('join-group-by-type-n'),
  readGroupByType: load('read-group-by-type-n'),
  removeConsumer: load('remove-consumer-n'),
  acquireLeases: load('acquire-leases-1'),
  releaseLeases: load('release-leases-1'),
  commit: load('commit-n'),
  commitByType: load('commit-n', BY_TYPE),
  createCursor: load('create-cursor-2'),
  putCursor: load('put-cursor-1'),
  listDocuments: load('list-documents-2'),
  countDocuments: load('count-documents-1'),
  readExpiring: load('read-expiring-2'),
  count: load('count-n'),
  cutStreams: load('cut-streams-n'),
  cutStreamsByType: load('cut-streams-n', BY_TYPE),
  trim: load('trim-n'),
  remove: load('remove-3'),
  ends: load('ends-n'),
  countBehind: load('count-behind-1'),
  readIndex: load('read-index-6'),
  readPostings: load('read-postings-n'),
  findLate: load('find-late-n'),
  writeSegment: load('write-segment-2'),
  addLate: load('add-late-n'),
  dropKeys: load('drop-keys-n'),
  removeLate: load('remove-late-n'),
  dropSegment: load('drop-segment-2')
} as const

export type ScriptName = keyof typeof SCRIPTS

interface Script {
  readonly text: string
  readonly hash: string
}

function load(name: string, instead: Readonly<Record<string, string>> = {}): Script {
  const text = textOf(name, new Set(), instead)
  return { text, hash: createHash('sha1').update(text).digest('hex') }
}

/** A line `-- Includes:` names files of functions, whose texts stand in its place, each once in a script. */
function textOf(name: string, known: Set<string>, instead: Readonly<Record<string, string>>): string {
  if (known.has(name)) return ''
  known.add(name)
  const text = readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8')
  return text.replaceAll(/^-- Includes: (.+)$/gm, (_, names: string) =>
    names
      .split(', ')
      .map((one) => textOf(`include/${instead[one] ?? one}`, known, instead))
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
