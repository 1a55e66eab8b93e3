import { EventSystemError } from '@tradpal/events'
import type { StorageWarning } from '../port.ts'
import type { Connection } from './connection.ts'
import { confirmationOf, type RedisDurability } from './durability.ts'

/** What a server says of itself, by name; what it does not say is missing. */
type Settings = ReadonlyMap<string, string>

/** What of the way in which a server is configured may lose what it took. */
export class Safety {
  readonly #connection: Connection
  readonly #durability: RedisDurability
  /** What this user may not ask is not asked again: each time stands in the server's ACL LOG. */
  readonly #forbidden = new Set<string>()

  constructor(connection: Connection, durability: RedisDurability) {
    this.#connection = connection
    this.#durability = durability
  }

  /** Never rejects: what cannot be learnt is nothing that can be warned of. */
  async warnings(): Promise<StorageWarning[]> {
    const [persistence, memory, replication, configuration] = await Promise.all([
      this.#ask(['INFO', 'persistence'], fromInfo),
      this.#ask(['INFO', 'memory'], fromInfo),
      this.#ask(['INFO', 'replication'], fromInfo),
      this.#ask(['CONFIG', 'GET', 'appendfsync', 'save'], fromPairs)
    ])
    const sentences = [
      ofPersistence(persistence.get('aof_enabled'), configuration),
      ofVolatileKeys(memory),
      this.#ofReplicas(replication.get('connected_slaves'))
    ].filter((sentence) => sentence !== undefined)
    const eviction = ofEviction(memory)
    const warnings = sentences.map((message) => ({ message, losesEntries: false }))
    return eviction === undefined ? warnings : [{ message: eviction, losesEntries: true }, ...warnings]
  }

  #ofReplicas(connected: string | undefined): string | undefined {
    const wanted = confirmationOf(this.#durability)?.replicas ?? 0
    if (connected === undefined || Number(connected) >= wanted) return undefined
    return `Redis has ${connected} replicas, and the durability is ${this.#durability}: publishing is refused until there are more.`
  }

  async #ask(command: readonly string[], read: (reply: never) => Settings): Promise<Settings> {
    const name = command.join(' ')
    if (this.#forbidden.has(name)) return new Map()
    try {
      return read((await this.#connection.read(command)) as never)
    } catch (error) {
      // Some who offer Redis have no CONFIG at all.
      const isForbidden = error instanceof EventSystemError && !error.retryable && error.code !== 'closed'
      if (isForbidden) this.#forbidden.add(name)
      return new Map()
    }
  }
}

function fromInfo(text: string): Settings {
  return new Map([...text.matchAll(/^(\w+):(.*?)\r?$/gm)].map(([, name = '', value = '']) => [name, value]))
}

function fromPairs(reply: readonly string[]): Settings {
  const names = reply.filter((_, i) => i % 2 === 0)
  return new Map(names.map((name, i) => [name, reply[2 * i + 1] ?? '']))
}

function ofPersistence(appendOnly: string | undefined, configuration: Settings): string | undefined {
  if (appendOnly === '0') {
    const save = configuration.get('save')
    if (save === '') return 'Redis keeps nothing on its disk: when it ends, all events are lost. Set appendonly yes.'
    return 'Redis keeps no append-only file: when it crashes, what was published since its last snapshot is lost. Set appendonly yes.'
  }
  if (appendOnly !== '1' || configuration.get('appendfsync') !== 'no') return undefined
  return 'Redis leaves it to the system when its append-only file is on the disk (appendfsync no): the loss of power may take the last half minute. Set appendfsync everysec, or always.'
}

function ofEviction(memory: Settings): string | undefined {
  const policy = evicting(memory)
  if (policy?.startsWith('allkeys') !== true) return undefined
  return `Redis drops any key when its memory is full, the log too (maxmemory-policy ${policy}). Set maxmemory-policy noeviction.`
}

/** With a time to live are the hashes of deduplication and those of expiring collections, such as the ledgers. */
function ofVolatileKeys(memory: Settings): string | undefined {
  const policy = evicting(memory)
  if (policy?.startsWith('volatile') !== true) return undefined
  return `Redis drops what expires some time when its memory is full (maxmemory-policy ${policy}): an event may be appended twice, and an effect that counts once take place again. Set maxmemory-policy noeviction.`
}

/** What is dropped when the memory is full; nothing where no limit is set. */
function evicting(memory: Settings): string | undefined {
  return (memory.get('maxmemory') ?? '0') === '0' ? undefined : memory.get('maxmemory_policy')
}
