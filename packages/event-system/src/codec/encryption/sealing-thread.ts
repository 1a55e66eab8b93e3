import type { KeyObject } from 'node:crypto'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Logger } from '../../runtime/index.ts'
import type { Draft } from './draft.ts'

/** Fewer are sealed sooner than they are sent there and back. */
const LEAST = 32

/** What is sealed at once, under one key. */
export interface SealingTask {
  readonly key: KeyObject
  readonly abouts: readonly string[]
  readonly texts: readonly string[]
}

/** Drafts that the worker has, and who waits for them. */
interface Task {
  readonly drafts: readonly Draft[]
  readonly resolve: () => void
}

export interface SealingThreadParts {
  readonly logger: Logger
  /** Default: the worker of this folder. */
  readonly start?: () => Worker
}

/**
 * Seals many drafts at once in a thread of its own, while the publisher's goes on. It starts when it is first worthwhile, and
 * until it runs, and when it has died, drafts are sealed where they are asked for.
 */
export class SealingThread {
  readonly #logger: Logger
  readonly #start: () => Worker
  #worker: Worker | undefined
  #isOnline = false
  #tasks: Task[] = []

  constructor({ logger, start = startWorker }: SealingThreadParts) {
    this.#logger = logger
    this.#start = start
  }

  /** Seals all of them now; or, where that is worthwhile, elsewhere: a promise, which resolves when they are sealed, or the thread has died. */
  seal(drafts: readonly Draft[]): Promise<void> | undefined {
    if (drafts.length >= LEAST) {
      this.#worker ??= this.#started()
      if (this.#isOnline) return this.#send(drafts)
    }
    sealHere(drafts)
    return undefined
  }

  /** Resolves when the thread has ended. What it has in hand is sealed where it is asked for. */
  async close(): Promise<void> {
    this.#isOnline = false
    await this.#worker?.terminate()
  }

  async #send(drafts: readonly Draft[]): Promise<void> {
    const unsealed = drafts.filter(({ isSealed }) => !isSealed)
    const sent: Promise<void>[] = []
    for (const [key, ofKey] of Map.groupBy(unsealed, ({ content }) => content.key)) {
      if (ofKey.length >= LEAST) sent.push(this.#sendOne(key, ofKey))
      else sealHere(ofKey)
    }
    await Promise.all(sent)
  }

  #sendOne(key: KeyObject, drafts: readonly Draft[]): Promise<void> {
    const abouts = drafts.map(({ content }) => content.about)
    const texts = drafts.map(({ content }) => content.text)
    this.#worker?.ref()
    this.#worker?.postMessage({ key, abouts, texts } satisfies SealingTask)
    return new Promise((resolve) => this.#tasks.push({ drafts, resolve }))
  }

  #started(): Worker {
    const worker = this.#start()
    worker.unref()
    worker.on('online', () => {
      this.#isOnline = true
    })
    worker.on('message', (boxes: readonly string[]) => this.#onSealed(boxes))
    worker.on('error', (error) => this.#onError(error))
    worker.on('exit', () => this.#onExit())
    return worker
  }

  #onSealed(boxes: readonly string[]): void {
    const task = this.#tasks.shift()
    for (const [i, draft] of (task?.drafts ?? []).entries()) draft.fill(boxes[i] as string)
    if (this.#tasks.length === 0) this.#worker?.unref()
    task?.resolve()
  }

  #onError(error: unknown): void {
    const message = 'the thread that seals events has died: the publisher seals them itself from here on'
    this.#logger.warn({ err: error }, message)
  }

  #onExit(): void {
    this.#isOnline = false
    for (const { resolve } of this.#tasks.splice(0)) resolve()
  }
}

function sealHere(drafts: readonly Draft[]): void {
  for (const draft of drafts) draft.seal()
}

function startWorker(): Worker {
  const file = `./sealing-worker${extname(import.meta.url)}`
  return new Worker(new URL(file, import.meta.url), { execArgv: [] })
}
