import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { waitFor } from '../../src/testing/index.ts'
import { command } from './redis-logs.ts'

/** More than a script and the keys that it is given. */
const LINE_LENGTH = 100_000

/**
 * What logs ask of a Redis, as MONITOR shows it: each command and each script with each kind of key that it names. MONITOR shows the
 * commands of scripts, too. The kind of a key is its name without the stream of the log and without the names that callers choose.
 */
export class RedisUsage {
  readonly #url: string
  readonly #ofStreams = new Map<string, Set<string>>()
  #socket: Socket | undefined
  #line = ''
  #lastMark = ''

  constructor(url: string) {
    this.#url = url
  }

  /** Resolves when everything that is asked from now on is noted. */
  async watch(): Promise<void> {
    const { hostname, port } = new URL(this.#url)
    const socket = connect({ host: hostname, port: Number(port) })
    socket.setEncoding('latin1').on('data', (text: string) => this.#take(text))
    socket.write('MONITOR\r\n')
    this.#socket = socket
    await once(socket, 'data')
  }

  /** Until the next `watch()`. */
  lookAway(): void {
    this.#socket?.destroy()
  }

  /** What the logs in these streams have asked, sorted. */
  async of(streamNames: Iterable<string>): Promise<string[]> {
    await this.#caughtUp()
    const all = [...streamNames].flatMap((name) => [...(this.#ofStreams.get(name) ?? [])])
    return [...new Set(all)].sort()
  }

  /** A connection of its own asks last, and MONITOR shows the questions in their order. */
  async #caughtUp(): Promise<void> {
    const mark = `mark ${performance.now()}`
    await command(this.#url, 'ECHO', mark)
    await waitFor(() => this.#lastMark === mark, { what: 'MONITOR having shown everything' })
  }

  /** Of a line the beginning: values, which may be large, stand behind the keys. */
  #take(text: string): void {
    const [first = '', ...others] = text.split('\n')
    if (this.#line.length < LINE_LENGTH) this.#line += first
    for (const next of others) {
      this.#note(this.#line)
      this.#line = next
    }
  }

  #note(line: string): void {
    const [name = '', ...args] = [...line.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text = '']) => text)
    const asked = name.toUpperCase()
    if (asked === 'ECHO') this.#lastMark = args[0] ?? ''
    const subject = asked === 'EVAL' ? hashOf(args[0] ?? '') : asked === 'EVALSHA' ? (args[0] ?? '') : asked
    for (const arg of args) {
      const [, streamName, suffix = ''] = /^(conformance_\d+)(?::\{\1\})?($|:.+)$/s.exec(arg) ?? []
      if (streamName === undefined) continue
      const noted = this.#ofStreams.get(streamName) ?? new Set()
      this.#ofStreams.set(streamName, noted.add(`${subject} ${kindOf(suffix)}`))
    }
  }
}

/** The hash by which a script is called. MONITOR escapes what stands in a text. */
function hashOf(text: string): string {
  const script = JSON.parse(`"${text.replaceAll(/\\x(..)/g, '\\u00$1').replaceAll('\\a', '\\u0007')}"`)
  return createHash('sha1').update(script, 'latin1').digest('hex')
}

function kindOf(suffix: string): string {
  if (suffix === '') return 'the stream'
  return suffix
    .replace(/:[01]($|:)/, ':N$1')
    .replace(/^:group:.*?:(\w+(?::N)?)$/s, ':group:*:$1')
    .replace(/^:(documents|document-ids|stream|counter|expiring:N):.*$/s, ':$1:*')
}
