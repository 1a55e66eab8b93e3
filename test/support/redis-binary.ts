import { execFile } from 'node:child_process'
import { access, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { exists, findProgram } from './find-program.ts'

const run = promisify(execFile)

/** Where a program is, and what it needs in its environment to start. */
export interface Binary {
  readonly path: string
  readonly env: Record<string, string>
}

const CACHE = fileURLToPath(new URL('../../.cache/redis', import.meta.url))
/** Debian's redis-server is a link to redis-check-rdb of redis-tools; the rest is what it links to beyond a minimal system. */
const PACKAGES = [
  'redis-server',
  'redis-tools',
  'libjemalloc2',
  'liblua5.1-0',
  'liblzf1',
  'libatomic1',
  'lua-bitop',
  'lua-cjson'
]

/** redis-server from the PATH, else unpacked from Debian's packages into a cache folder, without root. */
export async function findRedisServer(path = process.env.PATH ?? '', cache = CACHE): Promise<Binary> {
  const installed = await findProgram(['redis-server'], path)
  return installed === undefined ? unpackRedisServer(cache) : { path: installed, env: {} }
}

/** Throws with the sentence that says what to install when Debian's packages cannot be had. */
export async function unpackRedisServer(cache = CACHE, tools = process.env.PATH ?? ''): Promise<Binary> {
  const binary: Binary = {
    path: join(cache, 'usr/bin/redis-server'),
    env: {
      LD_LIBRARY_PATH: ['x86_64-linux-gnu', 'aarch64-linux-gnu'].map((name) => join(cache, 'usr/lib', name)).join(':')
    }
  }
  if (await exists(binary.path)) return binary
  try {
    await mkdir(dirname(cache), { recursive: true })
    await unpackPackages(cache, { ...process.env, PATH: tools })
    await access(binary.path)
    return binary
  } catch (cause) {
    throw new Error(
      'The tests need a redis-server of version 7 or later on the PATH: apt-get install redis-server, or brew install redis.',
      { cause }
    )
  }
}

/** Into a folder beside the cache, which takes its name when it is whole: another run may be at the same. */
async function unpackPackages(cache: string, env: NodeJS.ProcessEnv): Promise<void> {
  const unpacked = await mkdtemp(`${cache}-`)
  try {
    await run('apt-get', ['download', ...PACKAGES], { cwd: unpacked, env })
    const packages = (await readdir(unpacked)).filter((name) => name.endsWith('.deb'))
    for (const file of packages) {
      await run('dpkg', ['-x', join(unpacked, file), unpacked], { env })
      await rm(join(unpacked, file))
    }
    await rename(unpacked, cache).catch(async (error) => {
      if (!(await exists(join(cache, 'usr/bin/redis-server')))) throw error
    })
  } finally {
    await rm(unpacked, { recursive: true, force: true })
  }
}
