import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newFolder } from '../support/new-folder.ts'

const house = join(import.meta.dirname, '../..')

test('the lock file names no host, so that any registry can serve it', () => {
  const lock = readFileSync(join(house, 'package-lock.json'), 'utf8')

  const resolved = [...lock.matchAll(/"resolved": "([^"]*)"/g)].map(([, place]) => place)

  expect(resolved.filter((place) => !place?.startsWith('packages/'))).toEqual([])
  expect(lock).not.toMatch(/https?:\/\/[^"]*\/-\//)
})

test('each package of the lock file has its hash', () => {
  const { packages } = JSON.parse(readFileSync(join(house, 'package-lock.json'), 'utf8'))

  const installed = Object.entries<{ link?: boolean; integrity?: string }>(packages).filter(
    ([path, { link }]) => path.includes('node_modules/') && link !== true
  )

  expect(installed.length).toBeGreaterThan(100)
  expect(installed.filter(([, { integrity }]) => !integrity?.startsWith('sha512-')).map(([path]) => path)).toEqual([])
})

test('the audit fails for a lock file that has a package without its hash, and names the package', async () => {
  const folder = await newFolder()
  const lock = JSON.parse(readFileSync(join(house, 'package-lock.json'), 'utf8'))
  delete lock.packages['node_modules/pino'].integrity
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lock))

  const { status, stderr } = spawnSync(process.execPath, [join(house, 'audit-dependencies.mjs')], {
    cwd: folder,
    encoding: 'utf8'
  })

  expect(stderr).toContain('no "integrity" for 1 packages: node_modules/pino.')
  expect(status).toBe(1)
})
