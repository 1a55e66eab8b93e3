import { type TrimLimits, TrimReport, TrimRequest } from '@tradpal/event-api'
import type { RetentionLimits, RetentionPolicy } from '@tradpal/event-system'
import type { AuditRule } from './auditing.ts'
import { readBody } from './body-text.ts'
import type { App, AppContext } from './context.ts'
import { problemResponses } from './problems.ts'

const trimmed: AuditRule = {
  action: 'log.trimmed',
  what: ({ body }) => (body.dry_run === true ? undefined : body),
  result: ({ removed, lost, lost_by_group }) => ({ removed, lost, lost_by_group })
}

/** Removes what is beyond limits now, without waiting for the service to do so by itself. */
export function trimmingRoute(app: App, { system }: AppContext): void {
  app.post(
    '/events/trim',
    {
      config: { access: { scope: 'admin:retention' }, audit: trimmed },
      preValidation: readBody,
      schema: {
        operationId: 'trimEvents',
        tags: ['monitor'],
        summary: 'Remove what is beyond limits, oldest first',
        description:
          'Without limits, those that the service was configured with. What a consumer group has not acknowledged stays, unless forced.',
        body: TrimRequest,
        response: { 200: TrimReport, ...problemResponses }
      }
    },
    async ({ body: { force = false, dry_run = false, ...policy } }) => {
      const enforced = policyOf(policy)
      const result = await system.retention.enforce({ force, dryRun: dry_run, ...(enforced && { policy: enforced }) })
      const { removed, lost, lostByGroup, lostByCursor, guarded } = result
      return { removed, lost, lost_by_group: lostByGroup, lost_by_cursor: lostByCursor, guarded, dry_run }
    }
  )
}

function policyOf({ by_type, ...all }: Omit<TrimRequest, 'force' | 'dry_run'>): RetentionPolicy | undefined {
  if (by_type === undefined && Object.keys(all).length === 0) return undefined
  const byType = Object.entries(by_type ?? {}).map(([type, ofType]) => [type, limitsOf(ofType)] as const)
  return { ...limitsOf(all), ...(by_type && { byType: Object.fromEntries(byType) }) }
}

function limitsOf({ max_length, max_age_ms, max_bytes }: TrimLimits): RetentionLimits {
  return {
    ...(max_length !== undefined && { maxLength: max_length }),
    ...(max_age_ms !== undefined && { maxAgeMs: max_age_ms }),
    ...(max_bytes !== undefined && { maxBytes: max_bytes })
  }
}
