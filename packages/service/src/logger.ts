import type { Logger } from '@tradpal/event-system'
import { type DestinationStream, pino } from 'pino'
import { printable } from './terminal-text.ts'

/**
 * The log of the service: one JSON object a line, from this level on. No text that a client sent can steer the terminal that
 * shows the lines. `destination`: default the standard output.
 */
export function newLogger(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    timestamp: pino.stdTimeFunctions.isoTime,
    hooks: { streamWrite: (line: string) => `${printable(line.trimEnd())}\n` }
  }
  return destination === undefined ? pino(options) : pino(options, destination)
}
