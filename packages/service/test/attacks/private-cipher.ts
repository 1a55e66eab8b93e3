import crypto, { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { get, post, serviceOver, signal } from '../http/support/test-service.ts'

const EVENTS = 200
/** WebAssembly that Node and its HTTP client bring along is not encryption: only modules of these packages count. */
const OF_THE_LIBRARY = /\/packages\/[\w-]+\/src\//
const { WebAssembly: webAssembly } = globalThis as unknown as {
  readonly WebAssembly: { Module: new (bytes: Uint8Array) => object }
}

/**
 * Publishes orders together over HTTP with encryption, and records what the process encrypts with. Each event must have an
 * AES-256-GCM cipher of node:crypto of its own; no raw block cipher, and no WebAssembly, may do a part of the work.
 */
export async function privateCipher(): Promise<void> {
  const { url } = await serviceOver('sqlite', { EVENT_ENCRYPTION_KEYS_FILE: await newKeysFile() })
  const made = recordCiphers()
  const events = Array.from({ length: EVENTS }, (_, i) => signal(`S${i}`))
  const { status } = await post(`${url}/events/batch`, events)
  expect(status).toBe(200)

  expect(made.modules).toEqual([])
  expect(made.ciphers).toEqual(events.map(() => 'aes-256-gcm'))
  const { body } = await get(`${url}/events?limit=1000`)
  expect(body.events.map(({ data }: { data: { symbol: string } }) => data.symbol)).toEqual(
    events.map(({ data }) => data.symbol)
  )
}

async function newKeysFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tradpal-attack-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, 'keys.json')
  const keys = { a: randomBytes(32).toString('base64') }
  await writeFile(path, JSON.stringify({ current: 'a', keys }), { mode: 0o600 })
  return path
}

/** The algorithm of each cipher that is made from here on, and where WebAssembly is compiled. */
function recordCiphers(): { readonly ciphers: string[]; readonly modules: string[] } {
  const made = { ciphers: [] as string[], modules: [] as string[] }
  const { createCipheriv } = crypto
  const { Module } = webAssembly
  crypto.createCipheriv = ((...options: Parameters<typeof createCipheriv>) => {
    made.ciphers.push(options[0])
    return createCipheriv(...options)
  }) as typeof createCipheriv
  syncBuiltinESMExports()
  webAssembly.Module = class extends Module {
    constructor(bytes: Uint8Array) {
      super(bytes)
      const stack = new Error('compiled').stack ?? ''
      if (OF_THE_LIBRARY.test(stack)) made.modules.push(stack)
    }
  }
  onTestFinished(() => {
    crypto.createCipheriv = createCipheriv
    syncBuiltinESMExports()
    webAssembly.Module = Module
  })
  return made
}
