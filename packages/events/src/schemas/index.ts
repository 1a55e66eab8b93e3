/**
 * What an event of each platform type carries: one JSON Schema a type. The folder `data` has the same as TypeScript
 * interfaces, which a test generates from the schemas.
 * Every schema is open: what it does not name passes untouched. It is strict only where a wrong value would do harm
 * (symbols, prices, quantities, signals, confidences) and requires only what an event is useless without.
 */
import { EventType } from '../event-types.ts'
import * as alternativeData from './alternative-data.ts'
import * as backtesting from './backtesting.ts'
import * as ml from './ml.ts'
import type { ObjectSchema } from './object-schema.ts'
import * as system from './system.ts'
import * as trading from './trading.ts'

/** The schema of what an event carries, by event type. */
export const eventSchemas: Readonly<Record<EventType, ObjectSchema>> = {
  [EventType.MARKET_DATA_UPDATE]: trading.marketDataUpdate,
  [EventType.TRADING_SIGNAL]: trading.tradingSignal,
  [EventType.ORDER_EXECUTED]: trading.orderExecuted,
  [EventType.PORTFOLIO_UPDATE]: trading.portfolioUpdate,
  [EventType.RISK_ALERT]: trading.riskAlert,
  [EventType.ML_MODEL_UPDATE]: ml.mlModelUpdate,
  [EventType.RL_MODEL_UPDATE]: ml.rlModelUpdate,
  [EventType.RL_ACTION_TAKEN]: ml.rlActionTaken,
  [EventType.FEATURE_VECTOR_UPDATE]: ml.featureVectorUpdate,
  [EventType.ALTERNATIVE_DATA_UPDATE]: alternativeData.alternativeDataUpdate,
  [EventType.SENTIMENT_DATA_UPDATE]: alternativeData.sentimentDataUpdate,
  [EventType.ONCHAIN_DATA_UPDATE]: alternativeData.onchainDataUpdate,
  [EventType.ECONOMIC_DATA_UPDATE]: alternativeData.economicDataUpdate,
  [EventType.BACKTEST_REQUEST]: backtesting.backtestRequest,
  [EventType.BACKTEST_COMPLETED]: backtesting.backtestCompleted,
  [EventType.MULTI_SYMBOL_BACKTEST_REQUEST]: backtesting.multiSymbolBacktestRequest,
  [EventType.STRATEGY_OPTIMIZATION_REQUEST]: backtesting.strategyOptimizationRequest,
  [EventType.SYSTEM_HEALTH]: system.systemHealth,
  [EventType.MARKET_REGIME_CHANGE]: system.marketRegimeChange
}
