import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, onTestFinished, test } from 'vitest'
import { type ConformanceHarness, conformance } from '../../src/log/conformance/index.ts'
import { SqliteLog, type SqliteLogOptions } from '../../src/log/sqlite/index.ts'

async function sqliteHarness(): Promise<ConformanceHarness> {
  const folder = await mkdtemp(join(tmpdir(), 'tradpal-sqlite-'))
  const path = join(folder, 'log.db')
  const handles: SqliteLog[] = []
  return {
    features: new SqliteLog({ path }).features,
    child: { module: new URL('./sqlite-in-child.ts', import.meta.url).href, options: { path } },
    async open(options = {}) {
      const log = new SqliteLog({ path, ...options } satisfies SqliteLogOptions)
      handles.push(log)
      await log.start()
      return log
    },
    async unreachable() {
      await writeFile(join(folder, 'file'), '')
      return new SqliteLog({ path: join(folder, 'file', 'log.db') })
    },
    async dispose() {
      await Promise.all(handles.map((log) => log.close()))
      await rm(folder, { recursive: true, force: true })
    }
  }
}

describe('the embedded log keeps every promise of a log', () => {
  for (const { title, needs, run } of conformance) {
    test(title, { timeout: 60_000 }, async (context) => {
      const harness = await sqliteHarness()
      onTestFinished(() => harness.dispose())
      if (needs?.(harness.features) === false) return context.skip('the log declares that it does otherwise')
      await run(harness)
    })
  }
})
