import { ServiceError } from '@tradpal/event-client'
import { EventSystemError } from '@tradpal/events'

const ADVICE = 'If it does not run, tradpal-events serve starts it; --log or --redis opens a log without a service.'

/** An error as it is told to people: of a service that did not answer, also how to start one. */
export function withAdvice(error: unknown): unknown {
  if (!isUnreachable(error)) return error
  const { code, message, retryable } = error
  return new EventSystemError(code, `${message} ${ADVICE}`, { cause: error, retryable })
}

/** A certificate that is refused is no service that does not run. */
function isUnreachable(error: unknown): error is EventSystemError {
  return (
    error instanceof EventSystemError &&
    !(error instanceof ServiceError) &&
    error.code === 'service_unavailable' &&
    error.retryable
  )
}
