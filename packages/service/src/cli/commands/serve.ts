import type { Environment } from '@tradpal/event-system'
import { EventSystemError } from '@tradpal/events'
import type { Command } from 'commander'
import type { Run } from '../invocation.ts'
import { examples, type GlobalOptions, parseCount, serviceOptions } from '../options.ts'

interface ServeOptions {
  readonly port?: number
  readonly host?: string
}

/** What the options of a log say, over the environment. */
function environmentOf({ log, redis, stream }: GlobalOptions, env: Environment): Environment {
  return {
    ...env,
    ...(log === undefined ? {} : { EVENT_LOG_PATH: log, REDIS_URL: '' }),
    ...(redis === undefined ? {} : { REDIS_URL: redis }),
    ...(stream === undefined ? {} : { EVENT_STREAM_NAME: stream })
  }
}

export function defineServe(command: Command, run: Run): void {
  command
    .option(
      '-p, --port <port>',
      'listen on this port; 0 is any free one (default: EVENT_SERVICE_PORT, or 8011)',
      parseCount
    )
    .option(
      '--host <address>',
      'listen on this address (default: EVENT_SERVICE_HOST, or this machine alone until somebody is asked for credentials, then 0.0.0.0)'
    )
    .addHelpText(
      'after',
      `\nIt is configured by the environment; options win over it. SIGTERM and SIGINT end it properly, with 0.\n${examples(
        'tradpal-events serve',
        'tradpal-events serve --port 8012 --log ./data/other.db'
      )}`
    )
    .action(
      run<[ServeOptions]>(async ({ globals, env, serve }, options) => {
        const wrong =
          globals.url !== undefined
            ? '--url is of a service that runs elsewhere; serve takes --host and --port.'
            : globals.log !== undefined && globals.redis !== undefined
              ? '--log and --redis contradict each other: give the one that is meant.'
              : serviceOptions(globals).length > 0
                ? `${serviceOptions(globals).join(' and ')} are of a client; serve is configured by EVENT_TLS_CERT_FILE and its like.`
                : undefined
        if (wrong !== undefined) {
          throw new EventSystemError('invalid_options', wrong)
        }
        if (serve === undefined) throw new EventSystemError('unsupported', 'serve takes a process of its own.')
        await serve(environmentOf(globals, env), options)
      })
    )
}
