import { DatabaseSync } from 'node:sqlite'
import { SqliteStorage } from '../../../src/log/sqlite/index.ts'
import { Outbox, sqliteOutbox } from '../../../src/outbox/index.ts'
import { EventPublisher } from '../../../src/publish/index.ts'
import { storeWith } from './faults.ts'

/**
 * A relay in a process of its own, for tests that kill it: `relaying-child.ts <database> <log> hang|go`. With `hang` it
 * says `published` when the log has its first batch, and never removes it from the table.
 */
const [path = '', logPath = '', mode] = process.argv.slice(2)
const storage = new SqliteStorage({ path: logPath })
await storage.start()
const store = sqliteOutbox(new DatabaseSync(path))
const hanging = storeWith(store, {
  remove() {
    process.stdout.write('published\n')
    return new Promise<never>(() => setInterval(() => {}, 1_000))
  }
})
const outbox = new Outbox({
  store: mode === 'hang' ? hanging : store,
  publisher: new EventPublisher({ storage }),
  pollMs: 2,
  batchSize: 10,
  leaseMs: 200
})
await outbox.start()
process.stdout.write('started\n')
