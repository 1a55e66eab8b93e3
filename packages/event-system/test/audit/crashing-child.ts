import { RedisStorage, SqliteStorage, silentLogger, systemClock } from '@tradpal/event-system'
import { tellThatItHasBegun } from '../../../../test/support/run-process.ts'
import { Audit } from '../../src/audit/index.ts'

/** Does something that never ends, in the audit log of a test: its place as JSON in the first argument. */
const place = JSON.parse(process.argv[2] ?? '')
const audit = new Audit({
  storage: 'path' in place ? new SqliteStorage(place) : new RedisStorage(place),
  clock: systemClock,
  logger: silentLogger
})
await audit.start()
await audit.perform('groups.removed', { principal: 'alice', proof: 'api key' }, { group: 'desk' }, async () => {
  tellThatItHasBegun()
  await new Promise((resolve) => setTimeout(resolve, 60_000))
})
