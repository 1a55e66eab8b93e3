import {
  anySymbol,
  anything,
  confidence,
  details,
  figure,
  label,
  positive,
  side,
  signal,
  symbol,
  text
} from './fields.ts'
import { object, optional } from './object-schema.ts'

export const marketDataUpdate = object(
  {
    symbol: symbol(),
    price: optional(figure('The last traded price.')),
    open: optional(figure('The first price of the bar.')),
    high: optional(figure('The highest price of the bar.')),
    low: optional(figure('The lowest price of the bar.')),
    close: optional(figure('The last price of the bar.')),
    volume: optional(figure('What was traded, in units of the instrument.')),
    bid: optional(figure('The best price to sell at.')),
    ask: optional(figure('The best price to buy at.')),
    exchange: optional(text('Where it trades.')),
    timeframe: optional(text('The length of the bar: `1m`, `1h`, `1d`.')),
    timestamp: optional(label('When the market said so, in the form of the source.'))
  },
  { description: 'A price, a bar or a quote of one instrument.' }
)

export const tradingSignal = object(
  {
    symbol: symbol(),
    signal: signal(),
    confidence: optional(confidence()),
    price: optional(figure('The price at which the signal was raised.')),
    quantity: optional(figure('How much to trade, in units of the instrument.')),
    stop_loss: optional(figure('The price at which to give up.')),
    take_profit: optional(figure('The price at which to take the gain.')),
    strategy: optional(text('The strategy that raised it.')),
    model: optional(text('The model that raised it.')),
    timeframe: optional(text('The bars that it looked at.')),
    reason: optional(text('Why, for people.')),
    indicators: optional(details('The indicators behind it, by name.'))
  },
  { description: 'What a strategy or a model would do with one instrument.' }
)

export const orderExecuted = object(
  {
    symbol: symbol(),
    side: side(),
    quantity: positive('How much was traded, in units of the instrument.'),
    price: positive('The price that was paid per unit.'),
    order_id: optional(text('The order, as the broker names it.')),
    fee: optional(figure('What the broker took.')),
    status: optional(text('`filled`, `partially_filled`, in the words of the broker.')),
    exchange: optional(text('Where it was executed.'))
  },
  { description: 'An order, or a part of one, was executed.' }
)

export const portfolioUpdate = object(
  {
    symbol: optional(anySymbol()),
    total_value: optional(figure('Cash and positions together.')),
    cash: optional(figure('What is not invested.')),
    pnl: optional(figure('Gain or loss since the start.')),
    drawdown: optional(figure('Loss since the highest value, as a fraction of it.')),
    positions: optional(anything('What is held: an object by symbol, or a list.'))
  },
  { description: 'What a portfolio holds and is worth.' }
)

export const riskAlert = object(
  {
    symbol: optional(anySymbol()),
    alert_type: optional(text('What was exceeded: `drawdown`, `exposure`, `volatility`.')),
    severity: optional(text('How bad: `low`, `medium`, `high`, `critical`.')),
    message: optional(text('What happened, for people.')),
    value: optional(figure('What was measured.')),
    threshold: optional(figure('What it should not have passed.'))
  },
  { description: 'A limit of risk management was passed.' }
)
