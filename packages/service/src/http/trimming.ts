import type { RetentionLimits, RetentionPolicy } from '@tradpal/event-system'
import Type, { type Static } from 'typebox'
import type { AuditRule } from './auditing.ts'
import { readBody } from './body-text.ts'
import type { App, AppContext } from './context.ts'
import { problemResponses } from './problems.ts'
import { closed } from './schemas.ts'

const limits = {
  max_length: Type.Optional(Type.Integer({ minimum: 0, description: 'At most so many events.' })),
  max_age_ms: Type.Optional(Type.Integer({ minimum: 1, description: 'Those that the log took at most so long ago.' })),
  max_bytes: Type.Optional(Type.Integer({ minimum: 0, description: 'At most about so many bytes.' }))
}
const limitsSchema = closed(limits)
const body = closed({
  ...limits,
  by_type: Type.Optional(
    Type.Record(Type.String(), limitsSchema, {
      description: 'Limits of these types; those around it are then those of all the others.',
      examples: [{ market_data_update: { max_age_ms: 86_400_000 } }]
    })
  ),
  force: Type.Optional(
    Type.Boolean({ default: false, description: 'Also what consumer groups have not acknowledged.' })
  ),
  dry_run: Type.Optional(Type.Boolean({ default: false, description: 'Only says what would be removed.' }))
})
const answer = Type.Object({
  removed: Type.Integer(),
  lost: Type.Integer({ description: 'Of those, how many some group had not acknowledged. 0 without force.' }),
  lost_by_group: Type.Record(Type.String(), Type.Integer()),
  lost_by_cursor: Type.Record(Type.String(), Type.Integer()),
  guarded: Type.Boolean({ description: 'Some stayed beyond the limits, because a group has not acknowledged them.' }),
  dry_run: Type.Boolean()
})

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
        tags: ['monitor'],
        summary: 'Remove what is beyond limits, oldest first',
        description:
          'Without limits, those that the service was configured with. What a consumer group has not acknowledged stays, unless forced.',
        body,
        response: { 200: answer, ...problemResponses }
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

function policyOf({ by_type, ...all }: Omit<Static<typeof body>, 'force' | 'dry_run'>): RetentionPolicy | undefined {
  if (by_type === undefined && Object.keys(all).length === 0) return undefined
  const byType = Object.entries(by_type ?? {}).map(([type, ofType]) => [type, limitsOf(ofType)] as const)
  return { ...limitsOf(all), ...(by_type && { byType: Object.fromEntries(byType) }) }
}

function limitsOf({ max_length, max_age_ms, max_bytes }: Static<typeof limitsSchema>): RetentionLimits {
  return {
    ...(max_length !== undefined && { maxLength: max_length }),
    ...(max_age_ms !== undefined && { maxAgeMs: max_age_ms }),
    ...(max_bytes !== undefined && { maxBytes: max_bytes })
  }
}
