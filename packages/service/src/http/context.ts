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

/** The recorded entries, to be read. */
export type AuditEntries = Pick<Audit, 'list' | 'head' | 'verify'>

/** What the endpoints share. */
export interface AppContext {
  readonly system: EventSystem
  /** Who may do what. */
  readonly access: Pick<Access, 'keys' | 'scopesOf' | 'warnings'>
  /** Undefined where nothing is recorded. */
  readonly audit: AuditEntries | undefined
  readonly configuration: ServiceConfiguration
  readonly logger: Logger
  /** Told of what a live stream hands out, and of its readers that are cut off. */
  readonly metrics: Pick<Metrics, 'handedOut'> & { readonly streamsCutOff: Pick<Metrics['streamsCutOff'], 'inc'> }
  readonly lasting: LastingAnswers
  readonly bodies: RequestBodies
  readonly limits: Pick<RequestLimits, 'publish'>
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
