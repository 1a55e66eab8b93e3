import { defineConfig } from 'vitest/config'

/** `tradpal-source` makes the packages import each other's source: a test, and any process it forks, sees a change without a build. */
const conditions = ['tradpal-source', 'module', 'node', 'development|production']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    environment: 'node',
    include: ['packages/*/{src,test}/**/*.test.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 30_000,
    reporters: ['default', './test/support/plain-summary-reporter.ts']
  }
})
