import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Subject } from './subjects.ts'

const MEGABYTES = 64
const CHUNK = Buffer.alloc(16_384)

/** Where the spools are. */
export interface SpoolDisk {
  readonly path: string
  /** Until not a byte is left. */
  fill(): void
  makeRoom(): void
  /** Idempotent. */
  close(): void
}

/** For a small one this must be root. */
export function openDisk(kind: Subject['disk'], folder: string): SpoolDisk {
  const path = join(folder, 'spools')
  mkdirSync(path)
  if (kind === 'small') return new SmallDisk(path, MEGABYTES)
  const isNotSmall = () => {
    throw new Error('Only a small disk can be filled.')
  }
  return { path, fill: isNotSmall, makeRoom: isNotSmall, close: () => {} }
}

/** A disk that can be filled. */
class SmallDisk implements SpoolDisk {
  readonly path: string
  #isMounted = true

  constructor(path: string, megabytes: number) {
    this.path = path
    if (process.getuid?.() !== 0)
      throw new Error('A small disk is mounted, which takes root: run the chaos suite as root.')
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path], { stdio: 'ignore' })
  }

  fill(): void {
    const file = openSync(this.#ballast, 'a')
    try {
      for (;;) writeSync(file, CHUNK)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    } finally {
      closeSync(file)
    }
  }

  makeRoom(): void {
    rmSync(this.#ballast, { force: true })
  }

  close(): void {
    if (!this.#isMounted) return
    this.#isMounted = false
    execFileSync('umount', ['-l', this.path])
  }

  get #ballast(): string {
    return join(this.path, 'ballast')
  }
}
