/**
 * What the tests of a file share, made when the first of them asks for it, and ended behind the last. A module is loaded once
 * for all the files that run in its process: what one file has shared, the next finds ended, and makes its own.
 */
const endings: (() => Promise<unknown>)[] = []

export function sharedInFile<Shared>(
  make: () => Promise<Shared>,
  end: (shared: Shared) => Promise<unknown>
): () => Promise<Shared> {
  let shared: Promise<Shared> | undefined
  return () => {
    if (shared === undefined) {
      const made = make()
      shared = made
      endings.push(async () => {
        shared = undefined
        await end(await made)
      })
    }
    return shared
  }
}

/** Ends what the tests of the file have shared. */
export async function endShared(): Promise<void> {
  for (const end of endings.splice(0)) await end()
}
