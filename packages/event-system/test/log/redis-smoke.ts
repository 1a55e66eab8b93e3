import { onTestFinished, test } from 'vitest'
import { conformance } from '../../src/log/conformance/index.ts'
import type { RedisHarness } from './redis-harness.ts'

/**
 * The smoke part of the suite, for servers that are only reached in another way: by TLS, through sentinels, in a cluster. The way
 * changes the connections and the names of the keys, and nothing above them. So the part has cases that together
 *
 * - run every command and every script with every kind of key that the suite uses, which `redis.test.ts` holds it to,
 * - wait, follow the log, and read past the end of a wait,
 * - open the log in several handles, in another process, and where nothing answers.
 */
const TITLES = [
  'start, ping, append: a log whose place cannot be reached rejects with log_unavailable, quickly',
  'ping: resolves when the log answers',
  'append: a repeated event id inside the deduplication window, in the same call, appends nothing and says so',
  'versions: stay when entries are trimmed and removed, and when the log is opened anew',
  'readStream: entries that were trimmed and removed are left out, the others keep their versions',
  'readStream: what a unit appends is in the streams of its keys; a unit that is refused adds nothing',
  'read: of an empty log is an empty page, either way',
  'tail: gives what is there, then what is appended next, in this process or by another handle',
  'tail: ends when the log is closed',
  'group.read: waits for an entry to be appended, by this handle or another',
  'hold: of another consumer, of an earlier attempt or of a dropped group it is lost, and nothing happens',
  'group.removeConsumer: removes a consumer that holds nothing; false, and nothing removed, when it holds something or is not there',
  'release: with a delay, claimable by any after it, whatever minIdleMs, and not before; the delivery counts',
  'partitioned.create: a group that shared entry by entry is turned into one when it is drained; else group_conflict',
  'partitioned.commit: two units of one call that expect the same document to be absent: one is refused',
  'remove: removes these entries, wherever they stand; those that are not there are left out',
  'info: after a trim, the first entry is the oldest that is left, and length and lag say what is there',
  'leases.acquire: of those that ask for a lease, one has it; each name is its own, in the order of the names',
  'cursors.get: says where a cursor stands, when it last moved, whether it guards; undefined without one',
  'collections: a document of an expiring collection is kept for keepMs after its last write, at most twice as long',
  'collections: a document of an expiring collection is removed as any other',
  'commit: all parts of a unit happen; the result has what was appended and the revision of each write',
  'attach: with the text that was there, only over that text, whoever holds the entry',
  'attachment: goes with the entry to whoever gets it next, by claim and a read after a seek back',
  'counters.add: each count its own, shared by all that open the log, in the order of the additions',
  'processes: a tail and a read that wait wake soon after an append by another process'
]

export const redisSmoke = TITLES.map((wanted) => {
  const found = conformance.find(({ title }) => title === wanted)
  if (found === undefined) throw new Error(`The suite has no case with the title: ${wanted}`)
  return found
})

/** The tests of the smoke part, each over a harness of its own. */
export function testSmoke(newHarness: () => RedisHarness): void {
  for (const { title, needs, run } of redisSmoke) {
    test(title, async (context) => {
      const harness = newHarness()
      onTestFinished(() => harness.dispose())
      if (needs?.(harness) === false) return context.skip('the log declares that it does otherwise')
      await run(harness)
    })
  }
}
