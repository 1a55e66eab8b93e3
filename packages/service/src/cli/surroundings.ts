import type { Environment } from '@tradpal/event-system'
import type { ServiceConfiguration } from '../configuration.ts'
import type { StandardInput } from './input-file.ts'

/** Where a command writes. */
export type TextOutput = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number }

/** All that a command line has of its process. */
export interface Surroundings {
  readonly stdout: TextOutput
  readonly stderr: TextOutput
  readonly env: Environment
  /** Default: empty. */
  readonly stdin?: StandardInput
  /** Aborted to interrupt the command. It then ends soon; what it began it ends properly. Default: it is not interrupted. */
  readonly signal?: AbortSignal
  /** Runs the service as this process, which sees to the signals from then on. Default: `serve` is refused. */
  readonly serve?: (environment: Environment, configuration: Partial<ServiceConfiguration>) => Promise<void>
}
