import { open, realpath, rename, rm, stat } from 'node:fs/promises'
import { EventSystemError } from '@tradpal/events'

/** For the owner alone: what is written here quotes events. */
const OWNER_ONLY = 0o600

/**
 * Writes a file beside its place and gives it its name at the end: a reader sees all of it or what was there before. A new file
 * can be read by its owner alone; one that was there keeps its mode, which somebody chose. A link stays, and its file is replaced.
 * Rejects with `invalid_argument`, before anything is read, for a place where no file can be made, and for a folder, a device or a
 * pipe, which a rename would replace.
 */
export async function writeWhole(
  name: string,
  parts: Iterable<string> | AsyncIterable<string | Uint8Array>
): Promise<void> {
  const { path, mode } = await placeOf(name)
  const unfinished = `${path}.${process.pid}.unfinished`
  // What an earlier process of the same id left. The file itself must be a new one: nobody has it open, and it is no link.
  await rm(unfinished, { force: true })
  const file = await open(unfinished, 'wx', OWNER_ONLY).catch((cause) => {
    throw unwritable(name, cause)
  })
  try {
    try {
      await file.writeFile(parts)
      await file.chmod(mode)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(unfinished, path)
  } catch (error) {
    await rm(unfinished, { force: true })
    throw error
  }
}

/** Where the file is, behind links, and the mode that it has or gets. */
async function placeOf(name: string): Promise<{ readonly path: string; readonly mode: number }> {
  try {
    const found = await stat(name)
    if (found.isFile()) return { path: await realpath(name), mode: found.mode & 0o777 }
    const what = found.isDirectory() ? 'is a folder' : 'is no regular file'
    throw new EventSystemError('invalid_argument', `${name} ${what}: name a regular file, or one that is to be made.`)
  } catch (error) {
    if (error instanceof EventSystemError) throw error
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { path: name, mode: OWNER_ONLY }
    throw unwritable(name, error)
  }
}

function unwritable(name: string, cause: unknown): EventSystemError {
  const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
  const why = missing ? 'there is no such folder' : (cause as Error).message
  return new EventSystemError('invalid_argument', `${name} cannot be written: ${why}.`, { cause })
}
