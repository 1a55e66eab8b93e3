import { type GlobalOptions, serviceOptions } from './options.ts'
import type { OpenTargetOptions, Target } from './target.ts'

/** The target that the options name. Rejects with `invalid_options` when they contradict each other, and when it cannot be opened. */
export async function openTarget(options: GlobalOptions, how: OpenTargetOptions = {}): Promise<Target> {
  const given = (['url', 'log', 'redis'] as const).filter((name) => options[name] !== undefined)
  if (given.length > 1) {
    return refuse(
      `${given.map((name) => `--${name}`).join(' and ')} contradict each other: give the one that is meant.`
    )
  }
  if (options.stream !== undefined && options.redis === undefined)
    return refuse('--stream is of a log in Redis: give it with --redis.')
  const ofService = serviceOptions(options)
  if (ofService.length > 0 && (given[0] === 'log' || given[0] === 'redis')) {
    return refuse(
      `${ofService.join(' and ')} ${ofService.length === 1 ? 'is' : 'are'} of a service: give --url, not --${given[0]}.`
    )
  }
  if (given[0] === 'log' || given[0] === 'redis') {
    const { openLogTarget } = await import('./log-target.ts')
    return openLogTarget(options, how)
  }
  const { openServiceTarget } = await import('./service-target.ts')
  return openServiceTarget(options)
}

async function refuse(sentence: string): Promise<never> {
  const { EventSystemError } = await import('@tradpal/events')
  throw new EventSystemError('invalid_options', sentence)
}
