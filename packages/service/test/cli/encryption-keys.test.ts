import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EventSystem } from '@tradpal/event-system'
import { expect, onTestFinished, test } from 'vitest'
import { runCommand } from './support/command.ts'

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tradpal-cli-keys-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

test('encryption-keys new makes a file for its owner alone, and adds a key to it that becomes the current one', async () => {
  const folder = await newFolder()
  const file = join(folder, 'keys.json')
  expect(await runCommand(['encryption-keys', 'new', '--file', file, '--id', 'one'])).toMatchObject({
    code: 0,
    stdout: `one is the current key of ${file}, one of 1\n`
  })
  const before = JSON.parse(await readFile(file, 'utf8'))
  const { stdout } = await runCommand(['encryption-keys', 'new', '--json'], {
    env: { EVENT_ENCRYPTION_KEYS_FILE: file }
  })
  const today = new Date().toISOString().slice(0, 10)
  expect(JSON.parse(stdout)).toEqual({ file, current: today, keys: ['one', today] })

  const after = JSON.parse(await readFile(file, 'utf8'))
  expect(after.keys.one).toBe(before.keys.one)
  expect(after.keys[today]).not.toBe(before.keys.one)
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect(await readdir(folder)).toEqual(['keys.json'])
  expect(() => new EventSystem({ environment: { EVENT_ENCRYPTION_KEYS_FILE: file } })).not.toThrow()
})

test.each([
  ['a key that is there already', ['--id', 'one'], /There is a key one in .* already/],
  ['an id that is none', ['--id', 'a.b'], /1 to 64 letters, digits/]
])('encryption-keys new refuses %s, and leaves the file as it is', async (_, options, sentence) => {
  const file = join(await newFolder(), 'keys.json')
  await runCommand(['encryption-keys', 'new', '--file', file, '--id', 'one'])
  const before = await readFile(file, 'utf8')
  const { code, stderr } = await runCommand(['encryption-keys', 'new', '--file', file, ...options])
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(sentence) })
  expect(await readFile(file, 'utf8')).toBe(before)
})

test('encryption-keys new refuses a file that is something else, without a word of it', async () => {
  const file = join(await newFolder(), 'keys.json')
  await writeFile(file, '{"password": "swordfish"}')
  const { code, stderr } = await runCommand(['encryption-keys', 'new', '--file', file, '--id', 'one'])
  expect(code).toBe(2)
  expect(stderr).not.toMatch(/swordfish|password/)
  expect(await readFile(file, 'utf8')).toMatch(/swordfish/)
})
