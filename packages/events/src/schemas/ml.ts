import { anySymbol, anything, confidence, details, label, list, measure, text } from './fields.ts'
import { object, optional } from './object-schema.ts'

const modelFields = {
  symbol: optional(anySymbol()),
  model_id: optional(label('The model, as its registry names it.')),
  model_name: optional(text('The model, for people.')),
  model_type: optional(text('Its kind: `lstm`, `xgboost`, `ppo`.')),
  model_version: optional(label('Its version.')),
  version: optional(label('Its version.')),
  status: optional(text('`trained`, `deployed`, `failed`.')),
  metrics: optional(details('How good it is, by metric.'))
}

export const mlModelUpdate = object(
  { ...modelFields, accuracy: optional(measure('Share of right predictions on unseen data.')) },
  { description: 'A model was trained, deployed or withdrawn.' }
)

export const rlModelUpdate = object(
  {
    ...modelFields,
    episode: optional(measure('How many episodes it has been trained for.')),
    reward: optional(measure('The mean reward of the last episodes.'))
  },
  { description: 'A reinforcement learning model was updated.' }
)

export const rlActionTaken = object(
  {
    symbol: optional(anySymbol()),
    action: optional(label('What the agent did.')),
    agent_id: optional(label('The agent.')),
    confidence: optional(confidence()),
    reward: optional(measure('The reward that it got.')),
    state: optional(anything('What the agent saw.'))
  },
  { description: 'A reinforcement learning agent acted.' }
)

export const featureVectorUpdate = object(
  {
    symbol: optional(anySymbol()),
    features: optional(anything('The features: an object by name, or a list of numbers.')),
    feature_names: optional(list('The names of the features, where these are a list.')),
    timeframe: optional(text('The bars that they come from.')),
    version: optional(label('The version of the feature set.'))
  },
  { description: 'The features of an instrument were computed anew.' }
)
