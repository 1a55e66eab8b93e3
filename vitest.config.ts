import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** `tradpal-source` makes the packages import each other's source: a test, and any process it forks, sees a change without a build. */
const conditions = ['tradpal-source', 'module', 'node', 'development|production']

/** Where the processes that tests start keep what they have compiled: most of the time of a short one is the compiling of what it imports. */
const COMPILED = fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url))

/** Tests that start processes and servers: long, and few files. */
const PROCESSES = [
  'packages/service/test/{cli,client}/**/*.test.ts',
  'packages/service/test/http/process.test.ts',
  'packages/event-system/test/log/**/*.test.ts',
  'test/packages.test.ts',
  'test/docs/listings.test.ts',
  'examples/**/*.test.ts'
]

const FAULTS = ['test/faults/faults.test.ts', 'test/chaos/chaos.test.ts']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    environment: 'node',
    pool: 'forks',
    // One more than a small machine has cores: much of the time of a test is waiting.
    maxWorkers: 3,
    // Long enough for a machine that does other work beside the tests.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    env: { NODE_COMPILE_CACHE: COMPILED },
    reporters: ['default', './test/support/plain-summary-reporter.ts'],
    // What the library logs by default, on stderr, is shown of tests that fail.
    silent: 'passed-only',
    // `npm run test:coverage`. The processes that tests start are not counted.
    coverage: { provider: 'v8', include: ['packages/*/src/**/*.ts'], reporter: ['text', 'html'] },
    setupFiles: fileURLToPath(new URL('test/support/each-file.ts', import.meta.url)),
    projects: [
      {
        extends: true,
        test: {
          // Projects run in the order of their names: behind the long files of `processes`, short ones keep all workers busy to the end.
          name: 'quick',
          include: ['packages/*/{src,test}/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: [...FAULTS, ...PROCESSES],
          // Their processes load the sources once for many files. Each file would load them anew.
          isolate: false,
          sequence: { groupOrder: 0 }
        }
      },
      {
        extends: true,
        test: {
          name: 'processes',
          include: PROCESSES,
          globalSetup: fileURLToPath(new URL('test/support/bundled-command.ts', import.meta.url)),
          isolate: false,
          sequence: { groupOrder: 0 }
        }
      },
      // After all others: their processes take the whole machine.
      { extends: true, test: { name: 'faults', include: FAULTS, sequence: { groupOrder: 1 } } }
    ]
  }
})
