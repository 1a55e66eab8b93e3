import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startRedis } from '../../../../test/support/start-redis.ts'
import { configure, SqliteLog, type SqliteLogOptions, silentLogger } from '../../src/index.ts'
import { type ConformanceHarness, conformance } from '../../src/log/conformance/index.ts'
import { keysFile } from './keys-in-file.ts'

/** An embedded log that keeps no text in the clear. Other processes of a case open the one below: what they see of it is as sealed. */
async function sealedHarness(): Promise<ConformanceHarness> {
  const folder = await mkdtemp(join(tmpdir(), 'tradpal-sealed-'))
  const path = join(folder, 'log.db')
  const encryption = { keysFile: keysFile('a') }
  const sealed = (options: SqliteLogOptions) =>
    configure({ environment: {}, log: new SqliteLog(options), encryption, logger: silentLogger }).log
  const handles: ReturnType<typeof sealed>[] = []
  return {
    features: new SqliteLog({ path }).features,
    child: { module: new URL('../log/sqlite-in-child.ts', import.meta.url).href, options: { path } },
    async open(options = {}) {
      const log = sealed({ path, ...options })
      handles.push(log)
      await log.start()
      return log
    },
    async unreachable() {
      await writeFile(join(folder, 'file'), '')
      return sealed({ path: join(folder, 'file', 'log.db') })
    },
    async dispose() {
      await Promise.all(handles.map((log) => log.close()))
      await rm(folder, { recursive: true, force: true })
    }
  }
}

describe('a log that is encrypted keeps every promise of a log', () => {
  for (const { title, needs, run } of conformance) {
    test(title, { timeout: 60_000 }, async (context) => {
      const harness = await sealedHarness()
      onTestFinished(() => harness.dispose())
      if (needs?.(harness.features) === false) return context.skip('the log declares that it does otherwise')
      await run(harness)
    })
  }
})

test('and counts for all who open it, where the log below does', async () => {
  const server = await startRedis()
  onTestFinished(() => server.stop())
  const { log } = configure({ environment: {}, redisUrl: server.url, encryption: { keysFile: keysFile('a') } })
  await log.start()
  onTestFinished(() => log.close())
  expect(log.features.sharedCounters).toBe(true)
  const [count] = (await log.counters?.add([{ key: 'a', amount: 2, windowMs: 60_000 }])) ?? []
  expect(count?.value).toBe(2)
})
