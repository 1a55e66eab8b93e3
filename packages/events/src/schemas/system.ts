import { anySymbol, anything, confidence, details, label, measure, text } from './fields.ts'
import { object, optional } from './object-schema.ts'

export const systemHealth = object(
  {
    service: optional(text('The service that this is about.')),
    status: optional(text('`healthy`, `degraded` or `unhealthy`.')),
    message: optional(text('More, for people.')),
    version: optional(label('The version that runs.')),
    uptime_seconds: optional(measure('How long it has run.')),
    metrics: optional(details('What it measures of itself, by name.')),
    components: optional(anything('The health of its parts.'))
  },
  { description: 'How a service is.' }
)

export const marketRegimeChange = object(
  {
    symbol: optional(anySymbol()),
    regime: optional(label('The regime that holds now: `bull`, `bear`, `sideways`.')),
    previous_regime: optional(label('The one before.')),
    confidence: optional(confidence()),
    indicators: optional(details('What tells so, by name.'))
  },
  { description: 'The market went from one regime into another.' }
)
