/** The event types of the platform, as they stand on the wire. */
export const EventType = {
  MARKET_DATA_UPDATE: 'market_data_update',
  TRADING_SIGNAL: 'trading_signal',
  ORDER_EXECUTED: 'order_executed',
  PORTFOLIO_UPDATE: 'portfolio_update',
  RISK_ALERT: 'risk_alert',
  ML_MODEL_UPDATE: 'ml_model_update',
  RL_MODEL_UPDATE: 'rl_model_update',
  RL_ACTION_TAKEN: 'rl_action_taken',
  FEATURE_VECTOR_UPDATE: 'feature_vector_update',
  ALTERNATIVE_DATA_UPDATE: 'alternative_data_update',
  SENTIMENT_DATA_UPDATE: 'sentiment_data_update',
  ONCHAIN_DATA_UPDATE: 'onchain_data_update',
  ECONOMIC_DATA_UPDATE: 'economic_data_update',
  BACKTEST_REQUEST: 'backtest_request',
  BACKTEST_COMPLETED: 'backtest_completed',
  MULTI_SYMBOL_BACKTEST_REQUEST: 'multi_symbol_backtest_request',
  STRATEGY_OPTIMIZATION_REQUEST: 'strategy_optimization_request',
  SYSTEM_HEALTH: 'system_health',
  MARKET_REGIME_CHANGE: 'market_regime_change'
} as const

/** One of the types that the platform defines. A type that an operator registered is any other string. */
export type EventType = (typeof EventType)[keyof typeof EventType]

/** Names under which events of a type are sent and stored, too: the prototype publishes `backtest_complete`. */
export const EVENT_TYPE_ALIASES = {
  backtest_complete: EventType.BACKTEST_COMPLETED
} as const satisfies Readonly<Record<string, EventType>>
