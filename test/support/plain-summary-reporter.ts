import type { Reporter, TestModule } from 'vitest/node'

/** Ends the run with one plain line for machines to read: `12 passed, 0 failed`. */
export default class PlainSummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const passed = tests.filter((test) => test.result().state === 'passed').length
    const failed = tests.filter((test) => test.result().state === 'failed').length
    const brokenFiles = modules.filter((module) => module.errors().length > 0).length
    // The default reporter prints its own end in this same turn: at the exit, this line is the last.
    process.once('exit', () =>
      process.stdout.write(`\n${passed} passed, ${failed + brokenFiles + errors.length} failed\n`)
    )
  }
}
