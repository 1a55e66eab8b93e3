import { defineConfig } from 'vitest/config'
import whole from './vitest.config.ts'

const { projects: _, ...shared } = whole.test ?? {}

/**
 * `npm run test:fast`: what needs no server and no process of its own, and a thin slice over the embedded log, for the minutes between
 * two changes. `npm test` runs all of it, too.
 */
export default defineConfig({
  ...whole,
  test: {
    ...shared,
    include: [
      'packages/*/src/**/*.test.ts',
      'packages/{events,api,client}/test/**/*.test.ts',
      'test/{chaos,docs,faults,house,support}/**/*.test.ts',
      // The slice: the promises of the log, the library and the service, one file for each large part.
      'packages/event-system/test/log/sqlite.test.ts',
      'packages/event-system/test/{access,operate,store}/**/*.test.ts',
      'packages/event-system/test/consume/{consuming,verdicts,pull,pulled-groups}.test.ts',
      'packages/event-system/test/dead-letters/{listing,moving}.test.ts',
      'packages/event-system/test/publish/{validation,group-commit,expected-versions}.test.ts',
      'packages/event-system/test/{facade/{configuration,unknown-options,wrong-arguments},testing/**/*}.test.ts',
      'packages/service/test/http/{contract,endpoints,refusals,description}.test.ts'
    ],
    exclude: [
      '**/{faults/faults,chaos/chaos,docs/listings}.test.ts',
      // Browsers, compilers and databases of others.
      '**/{browser,content-security-policy,chromium,redis-binary,types,import-rules}.test.ts'
    ],
    // What is described over both logs runs over the embedded one. A killed process is another process.
    testNamePattern: /^(?!.*(redis|processes|killed))/i,
    isolate: false
  }
})
