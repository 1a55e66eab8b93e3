import { access } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

/** Where the first of these programs is that a folder of the PATH has; undefined when none has one. */
export async function findProgram(
  names: readonly string[],
  path = process.env.PATH ?? ''
): Promise<string | undefined> {
  for (const name of names) {
    for (const folder of path.split(delimiter).filter((part) => part !== '')) {
      const candidate = join(folder, name)
      if (await exists(candidate)) return candidate
    }
  }
  return undefined
}

export function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false
  )
}
