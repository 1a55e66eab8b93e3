// Generated from the schemas by ../data-types.test.ts: `npx vitest run packages/events/src/schemas -u`.
import type { JsonObject, JsonValue } from '../../json-value.ts'

/** A model was trained, deployed or withdrawn. */
export interface MlModelUpdateData {
  /** The instrument, where the event concerns one. */
  symbol?: string | null
  /** The model, as its registry names it. */
  model_id?: string | number | null
  /** The model, for people. */
  model_name?: string | null
  /** Its kind: `lstm`, `xgboost`, `ppo`. */
  model_type?: string | null
  /** Its version. */
  model_version?: string | number | null
  /** Its version. */
  version?: string | number | null
  /** `trained`, `deployed`, `failed`. */
  status?: string | null
  /** How good it is, by metric. */
  metrics?: JsonObject | null
  /** Share of right predictions on unseen data. */
  accuracy?: number | null
}

/** A reinforcement learning model was updated. */
export interface RlModelUpdateData {
  /** The instrument, where the event concerns one. */
  symbol?: string | null
  /** The model, as its registry names it. */
  model_id?: string | number | null
  /** The model, for people. */
  model_name?: string | null
  /** Its kind: `lstm`, `xgboost`, `ppo`. */
  model_type?: string | null
  /** Its version. */
  model_version?: string | number | null
  /** Its version. */
  version?: string | number | null
  /** `trained`, `deployed`, `failed`. */
  status?: string | null
  /** How good it is, by metric. */
  metrics?: JsonObject | null
  /** How many episodes it has been trained for. */
  episode?: number | null
  /** The mean reward of the last episodes. */
  reward?: number | null
}

/** A reinforcement learning agent acted. */
export interface RlActionTakenData {
  /** The instrument, where the event concerns one. */
  symbol?: string | null
  /** What the agent did. */
  action?: string | number | null
  /** The agent. */
  agent_id?: string | number | null
  /** How sure the sender is, from 0 to 1. */
  confidence?: number
  /** The reward that it got. */
  reward?: number | null
  /** What the agent saw. */
  state?: JsonValue
}

/** The features of an instrument were computed anew. */
export interface FeatureVectorUpdateData {
  /** The instrument, where the event concerns one. */
  symbol?: string | null
  /** The features: an object by name, or a list of numbers. */
  features?: JsonValue
  /** The names of the features, where these are a list. */
  feature_names?: readonly JsonValue[] | null
  /** The bars that they come from. */
  timeframe?: string | null
  /** The version of the feature set. */
  version?: string | number | null
}
