import { open, rename, rm, stat } from 'node:fs/promises'

/** For the owner alone: what is written here quotes events. */
const OWNER_ONLY = 0o600

/**
 * Writes a file beside its place and gives it its name at the end: a reader sees all of it or what was there before. A new file
 * can be read by its owner alone; one that was there keeps its mode, which somebody chose.
 */
export async function writeWhole(
  path: string,
  parts: Iterable<string> | AsyncIterable<string | Uint8Array>
): Promise<void> {
  const unfinished = `${path}.${process.pid}.unfinished`
  // What an earlier process of the same id left. The file itself must be a new one: nobody has it open, and it is no link.
  await rm(unfinished, { force: true })
  try {
    const file = await open(unfinished, 'wx', OWNER_ONLY)
    try {
      await file.writeFile(parts)
      await file.chmod(await modeOf(path))
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

async function modeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).mode & 0o777
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return OWNER_ONLY
    throw error
  }
}
