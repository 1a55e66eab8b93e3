import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { findRedisServer, unpackRedisServer } from './redis-binary.ts'

describe('the redis-server of the tests', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tradpal-binary-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
  })

  test('comes from the PATH', async () => {
    await writeFile(join(folder, 'redis-server'), '')
    expect(await findRedisServer(`/nowhere:${folder}`)).toEqual({ path: join(folder, 'redis-server'), env: {} })
  })

  test('else comes from the cache, with the libraries that were unpacked beside it', async () => {
    await mkdir(join(folder, 'usr/bin'), { recursive: true })
    await writeFile(join(folder, 'usr/bin/redis-server'), '')
    const binary = await findRedisServer('/nowhere', folder)
    expect(binary.path).toBe(join(folder, 'usr/bin/redis-server'))
    expect(binary.env.LD_LIBRARY_PATH).toContain(join(folder, 'usr/lib/x86_64-linux-gnu'))
  })

  test('else is missing, and the error says what to install', async () => {
    await expect(unpackRedisServer(join(folder, 'cache'), folder)).rejects.toThrow('apt-get install redis-server')
  })
})
