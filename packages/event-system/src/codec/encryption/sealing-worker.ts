import { parentPort } from 'node:worker_threads'
import { seal } from './cipher.ts'
import type { SealingTask } from './sealing-thread.ts'

/** What the thread of a {@link SealingThread} runs: it answers each task with its boxes, in order. */
parentPort?.on('message', ({ key, abouts, texts }: SealingTask) => {
  parentPort?.postMessage(texts.map((text, i) => seal(key, abouts[i] as string, text)))
})
