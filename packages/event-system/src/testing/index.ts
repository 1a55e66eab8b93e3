/**
 * For the tests of a service that embeds the event system: a real log in a temporary folder, the wait for everything that
 * was published to be handled, what was published, and a clock that a test moves. Import it from
 * `@tradpal/event-system/testing`; it needs no test framework and no server.
 */
import '../runtime/index.ts'

export { FakeClock } from './fake-clock.ts'
export { createTestSystem, type TestSystem, type TestSystemOptions } from './test-system.ts'
export { waitFor } from './wait-for.ts'
