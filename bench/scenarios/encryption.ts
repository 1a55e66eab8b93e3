import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EventSystem } from '@tradpal/event-system'
import { type Contenders, ratesOf } from '../contenders.ts'
import type { BenchLog } from '../logs.ts'
import type { Comparison } from '../measure.ts'
import { CONCURRENT, concurrently, PUBLISHERS } from '../publishers.ts'

const IN_THE_WAY =
  'OpenSSL encrypts each event by itself, which takes a few microseconds. An encrypted event is also a third longer, and its parts are written as JSON apart.'

/** Publishing with encryption beside publishing without. */
export async function encrypting(log: BenchLog): Promise<Comparison[]> {
  const [ours = 0, theirs = 0] = await ratesOf(log.kind, ['publish encrypted', 'library, own ids'], CONCURRENT)
  const what = `library, ${log.kind}: publish encrypted, ${PUBLISHERS.toLocaleString('en')} concurrent publishers`
  return [{ what, unit: 'events/s', ours, peer: 'without encryption', theirs, ratioFloor: 0.4, inTheWay: IN_THE_WAY }]
}

/** Those who publish with encryption. */
export const encryptingPublishers: Contenders = {
  async 'publish encrypted'(log) {
    const plain = await log.system()
    const { keysFile, remove } = await newKeysFile()
    const system = new EventSystem({ environment: {}, storage: plain.storage, encryption: { keysFile } })
    await system.initialize()
    return {
      ...concurrently(system),
      async close() {
        await system.close()
        await plain.close()
        await remove()
      }
    }
  }
}

/** A file with one encryption key. */
export async function newKeysFile(): Promise<{ readonly keysFile: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'tradpal-bench-keys-'))
  const keysFile = join(folder, 'keys.json')
  const keys = { bench: Buffer.alloc(32, 'bench').toString('base64') }
  await writeFile(keysFile, JSON.stringify({ current: 'bench', keys }), { mode: 0o600 })
  return { keysFile, remove: () => rm(folder, { recursive: true, force: true }) }
}
