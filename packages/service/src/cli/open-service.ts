import { type GlobalOptions, serviceOptions } from './options.ts'
import type { OpenServiceOptions, Service } from './service.ts'

/**
 * Opens the service that the options name. Rejects with `invalid_options` when they contradict each other, and with the errors of a log
 * that cannot be opened.
 */
export async function openService(globals: GlobalOptions, options: OpenServiceOptions): Promise<Service> {
  await mustBeOne(globals)
  if (globals.log !== undefined || globals.redis !== undefined) {
    const { openLog } = await import('./open-log.ts')
    return openLog(globals, options)
  }
  const { reachService } = await import('./reach-service.ts')
  return reachService(globals, options.env)
}

async function mustBeOne(globals: GlobalOptions): Promise<void> {
  const given = (['url', 'log', 'redis'] as const).filter((name) => globals[name] !== undefined)
  if (given.length > 1) {
    return refuse(
      `${given.map((name) => `--${name}`).join(' and ')} contradict each other: give the one that is meant.`
    )
  }
  if (globals.stream !== undefined && globals.redis === undefined) {
    return refuse('--stream is of a log in Redis: give it with --redis.')
  }
  const ofService = serviceOptions(globals)
  if (ofService.length > 0 && (given[0] === 'log' || given[0] === 'redis')) {
    return refuse(
      `${ofService.join(' and ')} ${ofService.length === 1 ? 'is' : 'are'} of a service: give --url, not --${given[0]}.`
    )
  }
}

async function refuse(sentence: string): Promise<never> {
  const { EventSystemError } = await import('@tradpal/events')
  throw new EventSystemError('invalid_options', sentence)
}
