import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { findChromium } from './chromium.ts'
import { newFolder } from './new-folder.ts'

test('the Chromium of the tests comes from the PATH, under any of its names', async () => {
  const folder = await newFolder()
  await writeFile(join(folder, 'chromium-browser'), '')
  expect(await findChromium(`/nowhere:${folder}`)).toBe(join(folder, 'chromium-browser'))
})

test('where no Chromium is on the PATH, the error says what to install', async () => {
  await expect(findChromium('/nowhere')).rejects.toThrow('apt-get install chromium')
})
