import { anySymbol, anything, details, figure, label, measure, symbols, text } from './fields.ts'
import { object, optional } from './object-schema.ts'

const job = {
  request_id: optional(label('The job, to match the answer with.')),
  strategy: optional(anything('The strategy, by name or by its definition.')),
  start_date: optional(label('The first day.')),
  end_date: optional(label('The last day.')),
  timeframe: optional(text('The bars to run on.')),
  initial_capital: optional(figure('The money to start with.')),
  parameters: optional(details('The parameters of the strategy, by name.'))
}

export const backtestRequest = object(
  { ...job, symbol: optional(anySymbol()) },
  { description: 'A backtest of one instrument is asked for.' }
)

export const backtestCompleted = object(
  {
    request_id: optional(label('The job that this answers.')),
    symbol: optional(anySymbol()),
    strategy: optional(anything('The strategy, by name or by its definition.')),
    status: optional(text('`completed` or `failed`.')),
    results: optional(anything('The outcome.')),
    metrics: optional(details('The outcome in figures, by name.')),
    total_return: optional(measure('Gain as a fraction of the initial capital.')),
    sharpe_ratio: optional(measure('Mean excess return by its deviation.')),
    max_drawdown: optional(measure('The deepest loss since a peak, as a fraction of it.')),
    error: optional(anything('What went wrong.'))
  },
  { description: 'A backtest has ended.' }
)

export const multiSymbolBacktestRequest = object(
  { ...job, symbols: optional(symbols('The instruments.')) },
  { description: 'A backtest over several instruments is asked for.' }
)

export const strategyOptimizationRequest = object(
  {
    ...job,
    symbol: optional(anySymbol()),
    symbols: optional(symbols('The instruments, where there are several.')),
    objective: optional(text('What to make as good as possible: `sharpe_ratio`.')),
    parameter_space: optional(details('What to try, by parameter.')),
    max_trials: optional(measure('How many combinations to try at most.'))
  },
  { description: 'The best parameters of a strategy are asked for.' }
)
