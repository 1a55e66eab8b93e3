import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'
import type { CheckpointingTask } from './checkpointer.ts'

const PAUSE_MS = 20

/** What the thread of a `Checkpointer` runs: it folds in what has come, again and again, until it is told to end or nothing comes any more. */
const { path, idleMs } = workerData as CheckpointingTask
const end = new AbortController()
parentPort?.once('message', () => end.abort())
// A file that was taken away is not made anew.
const database = new DatabaseSync(new URL('?mode=rw', pathToFileURL(path)), { timeout: 0 })
try {
  const checkpoint = database.prepare('PRAGMA wal_checkpoint(PASSIVE)')
  let pages: unknown
  let idleSince = performance.now()
  parentPort?.postMessage('works')
  while (!end.signal.aborted && performance.now() - idleSince < idleMs) {
    const { busy, log, checkpointed } = checkpoint.get() ?? {}
    const isIdle = busy === 0 && log === checkpointed && log === pages
    if (!isIdle) idleSince = performance.now()
    pages = log
    await pause(PAUSE_MS, undefined, { signal: end.signal }).catch(() => {})
  }
} finally {
  database.close()
  parentPort?.close()
}
