import { setTimeout as sleep } from 'node:timers/promises'
import type { BenchLog } from '../logs.ts'
import type { Comparison } from '../measure.ts'
import { EVENTS_PER_SECOND, MixedLoad } from '../mixed-load.ts'
import { type BenchServer, startService } from '../servers.ts'

/** `MINUTES=20 npm run bench -- --only flat-mixed` is the long form. */
const MINUTES = Number(process.env.MINUTES ?? 5)
const SAMPLE_MS = 1_000
/** In the short form the deduplication window is shorter, so that it is full long before the measured half. */
const WINDOWS = 10
const DEFAULT_WINDOW_MS = 120_000
/** How often the samples so far are shown. */
const SHOWN = 4

/** How much memory the service takes under a mixed load, and by how much that grows in the second half of the time. */
export async function mixed(log: BenchLog): Promise<Comparison[]> {
  const windowMs = Math.min(DEFAULT_WINDOW_MS, (MINUTES * 60_000) / WINDOWS)
  const service = await startService({ ...log.environment(), EVENT_DEDUPLICATION_WINDOW_MS: String(windowMs) })
  const load = new MixedLoad(service.url)
  const stop = new AbortController()
  const running = load.run(stop.signal)
  try {
    const samples = await Promise.race([residentEachSecond(service, load), failureOf(running)])
    stop.abort()
    await running
    mustBePublished(load)
    const tenth = Math.ceil(samples.length / 10)
    const half = Math.floor(samples.length / 2)
    const atHalf = mean(samples.slice(half, half + tenth))
    const atEnd = mean(samples.slice(-tenth))
    const what = `service, ${log.kind}: resident under a mixed load of ${MINUTES} minutes`
    return [
      { what, unit: 'MB', ours: atEnd, floor: 280 },
      { what: `${what}, growth since the half of it`, unit: 'MB', ours: Math.max(0, atEnd - atHalf), floor: 15 }
    ]
  } finally {
    stop.abort()
    await service.close()
  }
}

async function residentEachSecond(service: BenchServer, { counts }: MixedLoad): Promise<number[]> {
  const all = Math.round((MINUTES * 60_000) / SAMPLE_MS)
  const samples: number[] = []
  while (samples.length < all) {
    const residentMb = await service.residentMb()
    if (samples.length % Math.ceil(all / SHOWN) === 0) show(samples.length, residentMb, counts)
    samples.push(residentMb)
    await sleep(SAMPLE_MS)
  }
  show(samples.length, samples.at(-1) ?? 0, counts)
  return samples
}

function show(seconds: number, residentMb: number, counts: object): void {
  const minutes = (seconds / 60).toFixed(1)
  process.stderr.write(`\n${minutes} min: ${residentMb.toFixed(0)} MB resident, ${JSON.stringify(counts)}`)
}

/** The load runs until it is told to end: it only ends before that when it fails. */
async function failureOf(running: Promise<void>): Promise<never> {
  await running
  throw new Error('The load ended by itself.')
}

function mustBePublished({ counts: { published } }: MixedLoad): void {
  const due = EVENTS_PER_SECOND * MINUTES * 60
  if (published * 2 >= due) return
  throw new Error(`The service took ${published} events, and ${due} were due: the machine is too busy to measure on.`)
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
