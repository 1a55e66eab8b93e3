import type { Logger } from '@tradpal/event-system'
import { pino } from 'pino'
import { noteLeaks } from './leaks.ts'

/** Writes every line, those at debug too, as the service does, and lets the test fail in which one holds a secret. */
export const watchfulLogger: Logger = pino({ level: 'debug' }, { write: noteLeaks })
