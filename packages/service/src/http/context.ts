import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { EventSystem, Logger } from '@tradpal/event-system'
import type { Audit } from '@tradpal/event-system/audit'
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify'
import type { Access } from '../access/index.ts'
import type { ServiceConfiguration } from '../configuration.ts'
import type { LastingAnswers } from './lasting-answers.ts'
import type { Metrics } from './metrics.ts'
import type { OnProblem } from './problems.ts'
import type { RequestBodies } from './request-bodies.ts'
import type { RequestLimits } from './request-limits.ts'

/** What the endpoints share. */
export interface AppContext {
  readonly system: EventSystem
  /** Who may do what. */
  readonly access: Access
  /** Undefined where nothing is recorded. */
  readonly audit: Audit | undefined
  readonly configuration: ServiceConfiguration
  readonly logger: Logger
  readonly metrics: Metrics
  readonly lasting: LastingAnswers
  readonly bodies: RequestBodies
  readonly limits: RequestLimits
  readonly version: string
  /** On the clock of `performance.now()`. */
  readonly startedAtMs: number
  /** Counts and logs a failure. */
  readonly onProblem: OnProblem
}

export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>
