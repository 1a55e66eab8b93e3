import { hash } from 'node:crypto'
import type { NewDeadLetter } from './dead-letter.ts'

/** Hexadecimal digits of a fingerprint: enough for no two causes of a log to share one. */
const LENGTH = 16
/** The first line of a stack: the class of the error, a code in brackets where Node gives one, and the message. */
const CLASS = /^(?:Uncaught )?([A-Za-z_$][\w$]*)(?: \[\w+\])?(?::|$)/
/** A frame of a stack with its file and line. */
const FRAME = /^\s+at (?:.*\()?(.+?:\d+):\d+\)?$/

/**
 * What dead letters of one cause have in common: their group, event type, class of error and place in the code. Without a stack the
 * message stands for the place, with its numbers and quotations left out.
 */
export function fingerprintOf({ group, eventType, kind, lastError }: Omit<NewDeadLetter, 'payload'>): string {
  const { message, stack, pointer = '' } = lastError
  const place = stack === undefined ? undefined : placeIn(stack)
  const cause = [group, eventType, kind, pointer, classIn(stack), place ?? sentenceOf(message)]
  return hash('sha256', JSON.stringify(cause), 'hex').slice(0, LENGTH)
}

function classIn(stack: string | undefined): string {
  return CLASS.exec(stack ?? '')?.[1] ?? ''
}

/** The first frame of the service's own code, else the first of all: the last two parts of its path, and the line. */
function placeIn(stack: string): string | undefined {
  const places = stack.split('\n').flatMap((line) => FRAME.exec(line)?.[1] ?? [])
  const own = places.find((place) => !place.startsWith('node:') && !place.includes('/node_modules/'))
  return (own ?? places[0])?.split(/[\\/]/).slice(-2).join('/')
}

function sentenceOf(message: string): string {
  return message
    .replaceAll(/"[^"]*"|'[^']*'/g, '…')
    .replaceAll(/[\da-f]{8,}|\d+/gi, '#')
    .slice(0, 200)
}
