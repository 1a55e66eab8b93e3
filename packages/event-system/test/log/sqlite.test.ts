import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, onTestFinished, test } from 'vitest'
import { type ConformanceHarness, conformance } from '../../src/log/conformance/index.ts'
import { SqliteStorage, type SqliteStorageOptions } from '../../src/log/sqlite/index.ts'

async function sqliteHarness(): Promise<ConformanceHarness> {
  const folder = await mkdtemp(join(tmpdir(), 'tradpal-sqlite-'))
  const path = join(folder, 'log.db')
  const handles: SqliteStorage[] = []
  return {
    features: new SqliteStorage({ path }).features,
    absent: ['counters'],
    child: { module: new URL('./sqlite-in-child.ts', import.meta.url).href, options: { path } },
    async open(options = {}) {
      const storage = new SqliteStorage({ path, ...options } satisfies SqliteStorageOptions)
      handles.push(storage)
      await storage.start()
      return storage
    },
    async unreachable() {
      await writeFile(join(folder, 'file'), '')
      return new SqliteStorage({ path: join(folder, 'file', 'log.db') })
    },
    async dispose() {
      await Promise.all(handles.map((storage) => storage.close()))
      await rm(folder, { recursive: true, force: true })
    }
  }
}

describe('the embedded log keeps every promise of a log', () => {
  for (const { title, needs, run } of conformance) {
    test(title, { timeout: 60_000 }, async (context) => {
      const harness = await sqliteHarness()
      onTestFinished(() => harness.dispose())
      if (needs?.(harness) === false) return context.skip('the log declares that it does otherwise')
      await run(harness)
    })
  }
})
