import { createHash } from 'node:crypto'
import { type Event, EventSystemError } from '@tradpal/events'

/** A subject's name is at most so many characters. */
const MOST_CHARACTERS = 200
const PATH = /^(data|metadata)(\.[^.]+)+$/

/** Whose an event is: the id of a customer. Undefined for an event of nobody. */
export type SubjectOf = (event: Event) => string | undefined

/** The id of a subject's key. Records and events have it in the place of the subject's name. */
export function subjectIdOf(subject: string): string {
  return createHash('sha256').update(subject).digest('base64url')
}

/** Throws `invalid_argument`, without a word of what it is. */
export function assertSubject(subject: unknown): asserts subject is string {
  if (isSubject(subject)) return
  throw new EventSystemError('invalid_argument', `A subject must be a text of 1 to ${MOST_CHARACTERS} characters.`)
}

/** The id of the key for an event; undefined where it has no subject. Throws `invalid_data` for one that is no name. */
export function subjectIdOfEvent(event: Event, subjectOf: SubjectOf): string | undefined {
  const subject: unknown = subjectOf(event)
  if (subject === undefined) return undefined
  if (isSubject(subject)) return subjectIdOf(subject)
  const got = typeof subject === 'string' ? `one of ${subject.length}` : subject === null ? 'null' : typeof subject
  throw new EventSystemError(
    'invalid_data',
    `The subject of an event, whose key encrypts it, must be a text of 1 to ${MOST_CHARACTERS} characters, got ${got}.`
  )
}

/** The subject by names into the wire event, such as `data.customer_id`. Undefined for what are no such names. */
export function subjectAt(path: string): SubjectOf | undefined {
  if (!PATH.test(path)) return undefined
  const [root, ...names] = path.split('.')
  return (event) => {
    let value: unknown = root === 'data' ? event.data : event.metadata
    for (const name of names) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
      value = (value as Record<string, unknown>)[name]
    }
    // A number is a name as its text is: customers are numbered in places.
    return (typeof value === 'number' ? String(value) : (value ?? undefined)) as string | undefined
  }
}

function isSubject(subject: unknown): subject is string {
  return typeof subject === 'string' && subject.length > 0 && subject.length <= MOST_CHARACTERS
}
