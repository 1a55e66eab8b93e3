import type { Output } from './output.ts'

/** How far a long command is, on standard error, while a person watches. */
export interface Progress {
  /** `done` of the total; `events` so far, for the rate. */
  update(done: number, events: number): void
  stop(): void
}

const SILENT: Progress = { update: () => {}, stop: () => {} }

/** A bar with the rate and the time that is left. `total` is in whatever unit `update` counts. */
export async function startProgress(output: Output, what: string, total: number): Promise<Progress> {
  if (!output.watched) return SILENT
  const { default: cliProgress } = await import('cli-progress')
  const started = performance.now()
  const bar = new cliProgress.SingleBar(
    {
      format: `${what} {bar} {percentage}% | {events} events | {rate}/s | ETA {eta_formatted}`,
      barsize: 30,
      etaBuffer: 50,
      hideCursor: false,
      fps: 10
    },
    cliProgress.Presets.shades_classic
  )
  bar.start(total, 0, { events: '0', rate: '-' })
  return {
    update(done, events) {
      const seconds = (performance.now() - started) / 1_000
      const rate = Math.round(events / Math.max(seconds, 0.001))
      bar.update(Math.min(done, total), { events: events.toLocaleString('en'), rate: rate.toLocaleString('en') })
    },
    stop: () => bar.stop()
  }
}
