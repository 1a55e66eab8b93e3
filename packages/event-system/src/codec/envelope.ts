import { type Event, EventSystemError, type JsonObject } from '@tradpal/events'
import { LRUCache } from 'lru-cache'

/** The property of an event's data under which an envelope stands, and what a text that is an envelope begins with. */
export const ENCODED = '$encoded'

const VERSION = 1
const TEXT_START = `${ENCODED}:`
/** Version, what it holds, and the stages: of letters, digits, hyphens and underscores. */
const HEAD = /^(\d+);(\w+)((?:;[\w-]+(?:,[\w-]+=[\w-]*)*)+)$/
/** A longer head is refused. That of two stages has about a hundred characters. */
const MAX_HEAD = 1_000

/** The heads that were read last, by their texts: those of one writer are the same for many events. */
const heads = new LRUCache<string, EnvelopeHead>({ max: 1_000 })

/** The form of the content without its stages: the JSON of the data, the JSON of `[data, metadata]`, or a text beside the events. */
export type Holds = 'data' | 'event' | 'text'

/** A stage that the content went through, with its public parameters: letters, digits, hyphens and underscores. */
export interface AppliedStage {
  readonly name: string
  readonly [parameter: string]: string
}

/** All of an envelope but its content. */
export class EnvelopeHead {
  readonly holds: Holds
  /** In the order in which they were applied, each once. */
  readonly stages: readonly AppliedStage[]
  /** As it is written, and authenticated where the content is. */
  readonly text: string

  constructor(holds: Holds, stages: readonly AppliedStage[] = [], text = textOf(holds, stages)) {
    this.holds = holds
    this.stages = stages
    this.text = text
  }

  /** The head once one more stage was applied. */
  with(applied: AppliedStage): EnvelopeHead {
    return new EnvelopeHead(this.holds, [...this.stages, applied], `${this.text}${stageText(applied)}`)
  }
}

export interface Envelope {
  readonly head: EnvelopeHead
  readonly content: Buffer
}

/** The JSON of data that are an envelope. */
export function envelopeData(envelope: Envelope): string {
  return `{"${ENCODED}":"${written(envelope)}"}`
}

/** A text that is an envelope. */
export function envelopeText(envelope: Envelope): string {
  return `${TEXT_START}${written(envelope)}`
}

/** The envelope that stands in the data of an event. Undefined for plain data. Throws `unknown_encoding`. */
export function envelopeIn(data: JsonObject): Envelope | undefined {
  const text = data[ENCODED]
  return typeof text === 'string' ? parsed(text, ['data', 'event']) : undefined
}

/** Whether a text is an envelope. */
export function isEnvelopeText(text: string): boolean {
  return text.startsWith(TEXT_START)
}

/** The envelope that a text is. Undefined for another text. Throws `unknown_encoding`. */
export function envelopeInText(text: string): Envelope | undefined {
  return isEnvelopeText(text) ? parsed(text.slice(TEXT_START.length), ['text']) : undefined
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

/** `<version>;<holds>;<stage>;…;<content in base64url>`, each stage with its parameters: `,<name>=<value>`. */
function written({ head, content }: Envelope): string {
  return `${head.text};${content.toString('base64url')}`
}

function textOf(holds: Holds, stages: readonly AppliedStage[]): string {
  return `${VERSION};${holds}${stages.map(stageText).join('')}`
}

function stageText(applied: AppliedStage): string {
  let text = `;${applied.name}`
  for (const parameter in applied) if (parameter !== 'name') text += `,${parameter}=${applied[parameter]}`
  return text
}

function parsed(text: string, allowed: readonly Holds[]): Envelope {
  const end = Math.max(text.lastIndexOf(';'), 0)
  const headText = text.slice(0, end)
  const known = heads.get(headText)
  const head = known ?? parsedHead(headText)
  if (known === undefined) heads.set(headText, head)
  if (!allowed.includes(head.holds)) {
    throw unknownEncoding(`its envelope must hold ${allowed.join(' or ')}, got ${head.holds}`)
  }
  return { head, content: Buffer.from(text.slice(end + 1), 'base64url') }
}

function parsedHead(text: string): EnvelopeHead {
  const [, version, holds, stageTexts = ''] = (text.length <= MAX_HEAD && HEAD.exec(text)) || []
  if (version === undefined) throw unknownEncoding('its envelope has no form that this version knows')
  if (version !== String(VERSION)) {
    throw unknownEncoding(`its envelope has the version ${version}, and ${VERSION} is known here`)
  }
  const stages = stageTexts.slice(1).split(';').map(parsedStage)
  if (new Set(stages.map(({ name }) => name)).size < stages.length) {
    throw unknownEncoding('its envelope names a stage twice')
  }
  return new EnvelopeHead(holds as Holds, stages, text)
}

function parsedStage(text: string): AppliedStage {
  const [name = '', ...parameters] = text.split(',')
  const applied: Record<string, string> & AppliedStage = { name }
  for (const parameter of parameters) {
    const [key = '', value = ''] = parameter.split('=')
    if (key !== 'name') applied[key] = value
  }
  return applied
}
