import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A key of a test: the same for the same id. */
export function keyOf(id: string): string {
  return Buffer.alloc(32, id).toString('base64')
}

/** A file of keys, the first of them the current one, in a folder that goes with the test. */
export function keysFile(...ids: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'tradpal-keys-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'keys.json')
  writeKeys(path, ...ids)
  return path
}

/** Replaces the file, as who rolls keys out does. */
export function writeKeys(path: string, ...ids: readonly string[]): void {
  replace(path, JSON.stringify({ current: ids[0], keys: Object.fromEntries(ids.map((id) => [id, keyOf(id)])) }))
}

export function replace(path: string, text: string): void {
  writeFileSync(`${path}.new`, text)
  chmodSync(`${path}.new`, 0o600)
  renameSync(`${path}.new`, path)
}
