import { stringifyJson } from '@tradpal/events'
import { type Logger, loggerBy } from './logger.ts'

const nothing = () => {}

/**
 * The default logger: a warning or an error is one line of JSON on stderr, `{"time", "level", "message", …details}`. An error
 * among the details has its `name`, `message`, `code`, `stack` and `cause`. It writes neither `debug` nor `info`.
 */
export const stderrLogger: Logger = loggerBy({
  debug: nothing,
  info: nothing,
  warn: toStderr('warn'),
  error: toStderr('error')
})

function toStderr(level: 'warn' | 'error') {
  // The console passes over a stderr that is closed: an unhandled error of the stream would end the process.
  return (details: object, message: string) => console.error(lineOf(level, details, message))
}

function lineOf(level: string, details: object, message: string): string {
  const head = { time: new Date().toISOString(), level, message }
  return steerless(json({ ...head, ...details, ...head }) ?? JSON.stringify({ ...head, details: 'not representable' }))
}

/** Details may hold anything: a circle, or a getter that throws. */
function json(value: object): string | undefined {
  try {
    return stringifyJson(withPlainErrors(value))
  } catch {
    return undefined
  }
}

/** The details with each error as an object: JSON shows nothing of an error. */
function withPlainErrors(details: object): object {
  return Object.fromEntries(
    Object.entries(details).map(([name, value]) => [name, value instanceof Error ? plainError(value) : value])
  )
}

/** How many causes of causes are shown. */
const MOST_CAUSES = 5

function plainError(error: Error, causes = 0): object {
  const { name, message, stack, cause } = error
  const code = (error as { code?: unknown }).code
  const shownCause = cause instanceof Error && causes < MOST_CAUSES ? plainError(cause, causes + 1) : undefined
  return {
    name,
    message,
    ...(code === undefined ? {} : { code }),
    ...(stack === undefined ? {} : { stack }),
    ...(shownCause === undefined ? {} : { cause: shownCause })
  }
}

/** JSON escapes the control characters below U+0020. These others steer terminals too. */
function steerless(line: string): string {
  return line.replace(/[\u007f-\u009f\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
