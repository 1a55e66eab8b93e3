import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { newFolder } from '../../../test/support/new-folder.ts'
import { silentLogger, WatchedFiles } from '../src/index.ts'
import { waitFor } from '../src/testing/index.ts'

function numberIn(bytes: Buffer): number {
  const number = Number(bytes.toString())
  if (Number.isNaN(number)) throw new Error(`${bytes} is no number.`)
  return number
}

test('a file that changes is read again, also when it is replaced; a mistake in it leaves what held, and is logged', async () => {
  const path = join(await newFolder(), 'number')
  await writeFile(path, '1')
  const errors: unknown[] = []
  const logger = { ...silentLogger, error: (details: object) => errors.push(details) }
  const file = new WatchedFiles({ what: 'the number', paths: [path], parse: numberIn, logger })
  file.start()
  onTestFinished(() => file.close())
  expect(file.content).toBe(1)

  await writeFile(`${path}.new`, '22')
  await rename(`${path}.new`, path)
  await waitFor(() => file.content === 22, { timeoutMs: 10_000 })

  await writeFile(path, 'three')
  await waitFor(() => errors.length > 0, { timeoutMs: 10_000 })
  expect(file.content).toBe(22)
  expect(String((errors[0] as { err: Error }).err.message)).toMatch(/The number cannot be used .* three is no number/)

  await writeFile(path, '4444')
  await waitFor(() => file.content === 4444, { timeoutMs: 10_000 })
})

test('files that belong together are taken together, and one that is not there is refused by name', async () => {
  const folder = await newFolder()
  const paths = [join(folder, 'a'), join(folder, 'b')]
  const parse = (...all: Buffer[]) => all.map(numberIn)
  expect(() => new WatchedFiles({ what: 'the numbers', paths, parse, logger: silentLogger })).toThrow(
    /The numbers cannot be used .*ENOENT/
  )
  for (const path of paths) await writeFile(path, '1')
  const files = new WatchedFiles({ what: 'the numbers', paths, parse, logger: silentLogger })
  onTestFinished(() => files.close())
  expect(files.content).toEqual([1, 1])
})

test('what changed before it was looked at first is not missed', async () => {
  const path = join(await newFolder(), 'number')
  await writeFile(path, '1')
  const file = new WatchedFiles({ what: 'the number', paths: [path], parse: numberIn, logger: silentLogger })
  await writeFile(path, '2')
  file.start()
  onTestFinished(() => file.close())
  await waitFor(() => file.content === 2, { timeoutMs: 10_000 })
})
