import { EventSystemError } from '@tradpal/events'
import type { MessageId } from '../port.ts'
import type { Connection, Reply, Writer } from './connection.ts'
import { isReply } from './errors.ts'
import { type LogKeys, partitionKey } from './keys.ts'
import { runScript, type ScriptName } from './scripts.ts'

/** An id of the stream n has a sequence of 2^32 + 1024 k + n: see scripts/include/streams.lua. */
const FIRST_SEQUENCE = 2 ** 32
const MOST_STREAMS = 1_024
/** So often a call is tried again when others make partitions meanwhile. */
const MOST_ATTEMPTS = 100

/**
 * The streams of a log. The first is the log's own, which everybody may write to; behind it stands one for each type of
 * which somebody who partitions has appended. They are made when they are first needed, by any process, and never go: each
 * call says which it knows of, and is made again with those that there are when it overlooks one.
 */
export class Partitions {
  readonly #connection: Connection
  readonly #keys: LogKeys
  #text = ''
  #streams: readonly string[]
  /** By its name: which stream it is. */
  #numbers: ReadonlyMap<string, number> = new Map()

  constructor(connection: Connection, keys: LogKeys) {
    this.#connection = connection
    this.#keys = keys
    this.#streams = [keys.stream]
  }

  /** As far as this process knows. */
  get streams(): readonly string[] {
    return this.#streams
  }

  /** Whether the log has more than its own stream, as far as this process knows. */
  get areThere(): boolean {
    return this.#streams.length > 1
  }

  /** Learns which there are. */
  async load(): Promise<void> {
    this.#set((await this.#connection.read<string | null>(['GET', this.#keys.partitions])) ?? '')
  }

  /** The number of the stream of an entry, by its id; 0 when there is none of that number. */
  numberOf(messageId: MessageId): number {
    if (!this.areThere) return 0
    const sequence = Number(messageId.slice(messageId.indexOf('-') + 1))
    const number = sequence < FIRST_SEQUENCE ? 0 : (sequence - FIRST_SEQUENCE) % MOST_STREAMS
    return number < this.#streams.length ? number : 0
  }

  /** The number of the stream of each of these types. Makes those that are missing. */
  async numbersOf(eventTypes: Iterable<string>): Promise<ReadonlyMap<string, number>> {
    const types = [...new Set(eventTypes)]
    const missing = types.map(nameOf).filter((name) => !this.#numbers.has(name))
    if (missing.length > 0) await this.#make(missing)
    return new Map(types.map((type) => [type, this.#numbers.get(nameOf(type)) as number]))
  }

  /** The streams that hold events of these types: the log's own, since it may have held them before there were partitions. */
  streamsOf(eventTypes: readonly string[]): string[] {
    const numbers = eventTypes.map((type) => this.#numbers.get(nameOf(type))).filter((number) => number !== undefined)
    return [0, ...new Set(numbers)].map((number) => this.#streams[number] as string)
  }

  /** Runs a script that takes the streams as its last keys, and what is known of them as its first argument. */
  run<R extends Reply>(script: ScriptName, keys: readonly string[], args: readonly string[]): Promise<R> {
    return this.runWith<R>(script, keys, () => args)
  }

  /** As {@link run}, with arguments, or streams, that are made anew when there are other partitions than was known. */
  async runWith<R extends Reply>(
    script: ScriptName,
    keys: readonly string[],
    makeArguments: () => readonly string[] | Promise<readonly string[]>,
    {
      timeoutMs,
      streams = () => this.#streams,
      writer = this.#connection
    }: { timeoutMs?: number | undefined; streams?: () => readonly string[]; writer?: Writer } = {}
  ): Promise<R> {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const text = this.#text
      const made = makeArguments()
      const args = made instanceof Promise ? await made : made
      if (text !== this.#text) continue
      try {
        const allKeys = [this.#keys.partitions, ...keys, ...streams()]
        return await runScript<R>(writer, script, allKeys, [text, ...args], timeoutMs)
      } catch (error) {
        if (!isReply(error, 'PARTITIONS')) throw error
        await this.load()
      }
    }
    throw new EventSystemError(
      'log_busy',
      `Others made partitions of ${this.#keys.stream} ${MOST_ATTEMPTS} times while this call tried to be made.`
    )
  }

  async #make(names: readonly string[]): Promise<void> {
    const { partitions, stream } = this.#keys
    const keys = [partitions, stream, ...names.map((name) => partitionKey(this.#keys, name))]
    try {
      this.#set(await runScript<string>(this.#connection, 'partition', keys, [String(MOST_STREAMS - 1), ...names]))
    } catch (error) {
      if (!isReply(error, 'TOOMANY')) throw error
      const message = `The log ${stream} has ${MOST_STREAMS - 1} partitions already, the most that there can be; it takes no further event type.`
      throw new EventSystemError('invalid_argument', message)
    }
  }

  #set(text: string): void {
    const names = text === '' ? [] : text.split('\n')
    this.#text = text
    this.#streams = [this.#keys.stream, ...names.map((name) => partitionKey(this.#keys, name))]
    this.#numbers = new Map(names.map((name, i) => [name, i + 1]))
  }
}

/** The name of the partition of a type: a line of its own. */
function nameOf(eventType: string): string {
  return encodeURIComponent(eventType)
}
