import { chmod, readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { newFolder } from '../../../../test/support/new-folder.ts'
import { writeWhole } from './whole-file.ts'

const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)

let folder: string
beforeEach(async () => {
  folder = await newFolder()
  const before = process.umask(0)
  onTestFinished(() => void process.umask(before))
})

test('a new file can be read by its owner alone, also before it is whole, whatever the umask is', async () => {
  const path = join(folder, 'events.csv')
  const modes: string[] = []
  async function* texts() {
    yield 'one\n'
    for (const name of await readdir(folder)) modes.push(await modeOf(join(folder, name)))
    yield 'two\n'
  }
  await writeWhole(path, texts())
  expect(modes).toEqual(['600'])
  expect(await modeOf(path)).toBe('600')
  expect(await readFile(path, 'utf8')).toBe('one\ntwo\n')
  expect(await readdir(folder)).toEqual(['events.csv'])
})

test('a file that is there keeps its mode', async () => {
  const path = join(folder, 'events.csv')
  await writeFile(path, 'before')
  await chmod(path, 0o640)
  await writeWhole(path, ['after'])
  expect([await readFile(path, 'utf8'), await modeOf(path)]).toEqual(['after', '640'])
})

test('a file that fails leaves what was there, and nothing beside it', async () => {
  const path = join(folder, 'events.csv')
  await writeFile(path, 'before')
  const failing = (async function* () {
    yield 'a part'
    throw new Error('the log is gone')
  })()
  await expect(writeWhole(path, failing)).rejects.toThrow('the log is gone')
  expect([await readFile(path, 'utf8'), await readdir(folder)]).toEqual(['before', ['events.csv']])
})

test('a link that somebody put where the unfinished file goes is not followed', async () => {
  const path = join(folder, 'events.csv')
  const other = join(folder, 'other')
  await writeFile(other, 'mine')
  await symlink(other, `${path}.${process.pid}.unfinished`)
  await writeWhole(path, ['events'])
  expect([await readFile(other, 'utf8'), await readFile(path, 'utf8')]).toEqual(['mine', 'events'])
})

test('a link stays, and its file is replaced', async () => {
  const path = join(folder, 'events.csv')
  const link = join(folder, 'link.csv')
  await writeFile(path, 'before')
  await symlink('events.csv', link)
  await writeWhole(link, ['after'])
  expect([await readlink(link), await readFile(path, 'utf8')]).toEqual(['events.csv', 'after'])
})

test.each<[what: string, name: string, sentence: RegExp]>([
  ['a folder', '.', /is a folder: name a regular file/],
  ['a link to a device', 'link', /is no regular file/],
  ['a file in a folder that is not there', 'nowhere/events.csv', /there is no such folder/]
])('%s is refused before anything is read', async (_, name, sentence) => {
  await symlink('/dev/null', join(folder, 'link'))
  const path = join(folder, name)
  let isRead = false
  const texts = (function* () {
    isRead = true
    yield 'text'
  })()
  await expect(writeWhole(path, texts)).rejects.toMatchObject({
    code: 'invalid_argument',
    message: expect.stringMatching(sentence)
  })
  expect({ isRead, left: await readdir(folder) }).toEqual({ isRead: false, left: ['link'] })
})
