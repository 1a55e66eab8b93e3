// Generated from the schemas by ../data-types.test.ts: `npx vitest run packages/events/src/schemas -u`.
import type {
  AlternativeDataUpdateData,
  EconomicDataUpdateData,
  OnchainDataUpdateData,
  SentimentDataUpdateData
} from './alternative-data.ts'
import type {
  BacktestCompletedData,
  BacktestRequestData,
  MultiSymbolBacktestRequestData,
  StrategyOptimizationRequestData
} from './backtesting.ts'
import type { FeatureVectorUpdateData, MlModelUpdateData, RlActionTakenData, RlModelUpdateData } from './ml.ts'
import type { MarketRegimeChangeData, SystemHealthData } from './system.ts'
import type {
  MarketDataUpdateData,
  OrderExecutedData,
  PortfolioUpdateData,
  RiskAlertData,
  TradingSignalData
} from './trading.ts'

export type * from './alternative-data.ts'
export type * from './backtesting.ts'
export type * from './ml.ts'
export type * from './system.ts'
export type * from './trading.ts'

/** What an event carries, by event type. */
export interface EventDataMap {
  market_data_update: MarketDataUpdateData
  trading_signal: TradingSignalData
  order_executed: OrderExecutedData
  portfolio_update: PortfolioUpdateData
  risk_alert: RiskAlertData
  ml_model_update: MlModelUpdateData
  rl_model_update: RlModelUpdateData
  rl_action_taken: RlActionTakenData
  feature_vector_update: FeatureVectorUpdateData
  alternative_data_update: AlternativeDataUpdateData
  sentiment_data_update: SentimentDataUpdateData
  onchain_data_update: OnchainDataUpdateData
  economic_data_update: EconomicDataUpdateData
  backtest_request: BacktestRequestData
  backtest_completed: BacktestCompletedData
  multi_symbol_backtest_request: MultiSymbolBacktestRequestData
  strategy_optimization_request: StrategyOptimizationRequestData
  system_health: SystemHealthData
  market_regime_change: MarketRegimeChangeData
}
