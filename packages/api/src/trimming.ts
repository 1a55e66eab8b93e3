import Type, { type Static } from 'typebox'
import { closed } from './parts.ts'

const limits = {
  max_length: Type.Optional(Type.Integer({ minimum: 0, description: 'The most events to keep.' })),
  max_age_ms: Type.Optional(
    Type.Integer({ minimum: 1, description: 'The greatest age to keep, since the log took the event.' })
  ),
  max_bytes: Type.Optional(Type.Integer({ minimum: 0, description: 'The most bytes to keep, about.' }))
}

export const TrimLimits = closed(limits, { title: 'TrimLimits', description: 'How much is kept.' })
export type TrimLimits = Static<typeof TrimLimits>

export const TrimRequest = closed(
  {
    ...limits,
    by_type: Type.Optional(
      Type.Record(Type.String(), TrimLimits, {
        description: 'Limits of these types; those around it are then those of all the others.',
        examples: [{ market_data_update: { max_age_ms: 86_400_000 } }]
      })
    ),
    force: Type.Optional(
      Type.Boolean({ default: false, description: 'Also what consumer groups have not acknowledged.' })
    ),
    dry_run: Type.Optional(Type.Boolean({ default: false, description: 'Only says what would be removed.' }))
  },
  {
    title: 'TrimRequest',
    description: 'Limits: what goes beyond any of them is removed.',
    examples: [{ max_age_ms: 2_592_000_000, dry_run: true }]
  }
)
export type TrimRequest = Static<typeof TrimRequest>

export const TrimReport = Type.Object(
  {
    removed: Type.Integer(),
    lost: Type.Integer({ description: 'Of those, how many some group had not acknowledged. 0 without force.' }),
    lost_by_group: Type.Record(Type.String(), Type.Integer(), {
      description: 'Of those lost, by the name of the group.'
    }),
    lost_by_cursor: Type.Record(Type.String(), Type.Integer(), {
      description: 'Of those lost, by the name of the guarding cursor.'
    }),
    guarded: Type.Boolean({ description: 'Some stayed beyond the limits, because a group has not acknowledged them.' }),
    dry_run: Type.Boolean()
  },
  { title: 'TrimReport', description: 'What was removed; with dry_run, what would be.' }
)
export type TrimReport = Static<typeof TrimReport>
