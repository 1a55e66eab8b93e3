import { execFile } from 'node:child_process'
import { access, mkdir, readdir } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Where a program is, and what it needs in its environment to start. */
export interface Binary {
  readonly path: string
  readonly env: Record<string, string>
}

const CACHE = fileURLToPath(new URL('../../.cache/redis', import.meta.url))
/** What redis-server of Debian 12 links to beyond a minimal system. */
const PACKAGES = ['redis-server', 'redis-tools', 'libjemalloc2', 'liblua5.1-0', 'liblzf1', 'libatomic1', 'lua-bitop', 'lua-cjson']

/** redis-server from the PATH, else unpacked from Debian's packages into a cache, without root. */
export async function findRedisServer(path = process.env.PATH ?? ''): Promise<Binary> {
  for (const folder of path.split(delimiter)) {
    const candidate = join(folder, 'redis-server')
    if (await exists(candidate)) return { path: candidate, env: {} }
  }
  return unpackRedisServer()
}

/** Throws with the sentence that says what to install when Debian's packages cannot be had. */
export async function unpackRedisServer(): Promise<Binary> {
  const root = join(CACHE, 'root')
  // Debian's redis-server is a link to redis-check-rdb, which the package redis-tools brings.
  const binary: Binary = {
    path: join(root, 'usr/bin/redis-server'),
    env: { LD_LIBRARY_PATH: ['x86_64-linux-gnu', 'aarch64-linux-gnu'].map((arch) => join(root, 'usr/lib', arch)).join(':') }
  }
  if (await exists(binary.path)) return binary
  try {
    await mkdir(root, { recursive: true })
    await run('apt-get', ['download', ...PACKAGES], { cwd: CACHE })
    const files = (await readdir(CACHE)).filter((name) => name.endsWith('.deb'))
    for (const file of files) await run('dpkg', ['-x', join(CACHE, file), root])
    await access(binary.path)
    return binary
  } catch (cause) {
    throw new Error('The tests need a redis-server of version 7 or later on the PATH: apt-get install redis-server, or brew install redis.', { cause })
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false
  )
}
