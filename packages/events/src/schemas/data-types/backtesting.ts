// Generated from the schemas by ../data-types.test.ts: `npx vitest run packages/events/src/schemas -u`.
import type { JsonObject, JsonValue } from '../../json-value.ts'

/** A backtest of one instrument is asked for. */
export interface BacktestRequestData {
  /** The job, to match the answer with. */
  request_id?: string | number | null
  /** The strategy, by name or by its definition. */
  strategy?: JsonValue
  /** The first day. */
  start_date?: string | number | null
  /** The last day. */
  end_date?: string | number | null
  /** The bars to run on. */
  timeframe?: string | null
  /** The money to start with. */
  initial_capital?: number
  /** The parameters of the strategy, by name. */
  parameters?: JsonObject | null
  /** The instrument, where the event concerns one. */
  symbol?: string | null
}

/** A backtest has ended. */
export interface BacktestCompletedData {
  /** The job that this answers. */
  request_id?: string | number | null
  /** The instrument, where the event concerns one. */
  symbol?: string | null
  /** The strategy, by name or by its definition. */
  strategy?: JsonValue
  /** `completed` or `failed`. */
  status?: string | null
  /** The outcome. */
  results?: JsonValue
  /** The outcome in figures, by name. */
  metrics?: JsonObject | null
  /** Gain as a fraction of the initial capital. */
  total_return?: number | null
  /** Mean excess return by its deviation. */
  sharpe_ratio?: number | null
  /** The deepest loss since a peak, as a fraction of it. */
  max_drawdown?: number | null
  /** What went wrong. */
  error?: JsonValue
}

/** A backtest over several instruments is asked for. */
export interface MultiSymbolBacktestRequestData {
  /** The job, to match the answer with. */
  request_id?: string | number | null
  /** The strategy, by name or by its definition. */
  strategy?: JsonValue
  /** The first day. */
  start_date?: string | number | null
  /** The last day. */
  end_date?: string | number | null
  /** The bars to run on. */
  timeframe?: string | null
  /** The money to start with. */
  initial_capital?: number
  /** The parameters of the strategy, by name. */
  parameters?: JsonObject | null
  /** The instruments. */
  symbols?: readonly string[] | null
}

/** The best parameters of a strategy are asked for. */
export interface StrategyOptimizationRequestData {
  /** The job, to match the answer with. */
  request_id?: string | number | null
  /** The strategy, by name or by its definition. */
  strategy?: JsonValue
  /** The first day. */
  start_date?: string | number | null
  /** The last day. */
  end_date?: string | number | null
  /** The bars to run on. */
  timeframe?: string | null
  /** The money to start with. */
  initial_capital?: number
  /** The parameters of the strategy, by name. */
  parameters?: JsonObject | null
  /** The instrument, where the event concerns one. */
  symbol?: string | null
  /** The instruments, where there are several. */
  symbols?: readonly string[] | null
  /** What to make as good as possible: `sharpe_ratio`. */
  objective?: string | null
  /** What to try, by parameter. */
  parameter_space?: JsonObject | null
  /** How many combinations to try at most. */
  max_trials?: number | null
}
