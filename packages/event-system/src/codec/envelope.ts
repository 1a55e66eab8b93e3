import { type Event, EventSystemError, isJsonObject, type JsonObject, parseJson } from '@tradpal/events'

/** The property under which an envelope stands: in the data of an event, or as all of a text. */
export const ENCODED = '$encoded'

const VERSION = 1
const TEXT_START = `{"${ENCODED}":`

/** What the content is once its stages are undone: the JSON of the data, the JSON of `[data, metadata]`, or a text beside the events. */
export type Holds = 'data' | 'event' | 'text'

/** A stage that the content went through, with its public parameters. */
export interface AppliedStage {
  readonly name: string
  readonly [parameter: string]: string
}

/** All of an envelope but its content. */
export interface EnvelopeHead {
  readonly holds: Holds
  /** In the order in which they were applied, each once. */
  readonly stages: readonly AppliedStage[]
}

export interface Envelope extends EnvelopeHead {
  readonly content: Buffer
}

/** The JSON of a head, which is authenticated where the content is. */
export function headText({ holds, stages }: EnvelopeHead): string {
  return JSON.stringify({ version: VERSION, holds, stages })
}

/** The JSON of an envelope: the data of an event, or a text by itself. */
export function envelopeText(head: EnvelopeHead, content: Buffer): string {
  return `${TEXT_START}${headText(head).slice(0, -1)},"content":"${content.toString('base64url')}"}}`
}

/** The envelope that stands in the data of an event. Undefined for plain data. Throws `unknown_encoding`. */
export function envelopeIn(data: JsonObject): Envelope | undefined {
  const value = data[ENCODED]
  return isJsonObject(value) ? envelopeOf(value, ['data', 'event']) : undefined
}

/** Whether a text is an envelope by itself. */
export function isEnvelopeText(text: string): boolean {
  return text.startsWith(TEXT_START)
}

/** The envelope that is all of a text. Undefined for another text. Throws `unknown_encoding`. */
export function envelopeInText(text: string): Envelope | undefined {
  if (!isEnvelopeText(text)) return undefined
  return envelopeOf(valueIn(text), ['text'])
}

/** A reader would take the data of such an event for an envelope. Throws `invalid_data`. */
export function assertNotReserved({ data }: Event): void {
  if (data[ENCODED] === undefined) return
  const message = `data.${ENCODED} is reserved for events that are compressed or encrypted: give the property another name.`
  throw new EventSystemError('invalid_data', message, { pointer: `/data/${ENCODED}` })
}

export function unknownEncoding(what: string): EventSystemError {
  return new EventSystemError('unknown_encoding', `The stored event cannot be decoded: ${what}.`)
}

function envelopeOf(value: unknown, allowed: readonly Holds[]): Envelope {
  if (!isJsonObject(value)) throw unknownEncoding('it is no envelope')
  const { version, holds, stages, content } = value
  if (version !== VERSION) {
    throw unknownEncoding(`its envelope has the version ${JSON.stringify(version)}, and ${VERSION} is known here`)
  }
  if (!allowed.some((known) => known === holds)) {
    throw unknownEncoding(`its envelope must hold ${allowed.join(' or ')}, got ${JSON.stringify(holds)}`)
  }
  if (!areStages(stages))
    throw unknownEncoding('its envelope must name its stages, each once, with texts for parameters')
  if (typeof content !== 'string') throw unknownEncoding('the content of its envelope must be a text in base64url')
  return { holds: holds as Holds, stages, content: Buffer.from(content, 'base64url') }
}

function areStages(value: unknown): value is readonly AppliedStage[] {
  if (!Array.isArray(value) || value.length === 0) return false
  const isStage = (one: unknown) => isJsonObject(one) && Object.values(one).every((text) => typeof text === 'string')
  return value.every(isStage) && new Set(value.map(({ name }) => name)).size === value.length
}

function valueIn(text: string): unknown {
  try {
    return (parseJson(text) as JsonObject)[ENCODED]
  } catch {
    return undefined
  }
}
