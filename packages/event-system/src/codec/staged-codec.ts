import {
  AS_STORED,
  decodeEvent,
  type Event,
  EventSystemError,
  encodeEvent,
  encodeParts,
  fromParsed,
  parseStoredJson,
  toWire
} from '@tradpal/events'
import {
  assertNotReserved,
  type Envelope,
  EnvelopeHead,
  envelopeData,
  envelopeIn,
  type Holds,
  unknownEncoding
} from './envelope.ts'
import type { ContentStage, EventStage } from './stage.ts'

/** An event to stored text and back. */
export interface EventCodec {
  /**
   * Refuses with `not_representable` what JSON would change, with `payload_too_large` an event that is too large, and with the errors of
   * its stages: `key_missing` and `shredded` for encryption.
   */
  encode(event: Event): string
  /**
   * Refuses with `invalid_json`, `invalid_event` or `not_representable` a payload that is no event, with `unknown_encoding` one whose stages are
   * not known here, and with the errors of its stages: `key_missing`, `shredded`, `decryption_failed` and `not_encrypted` for encryption,
   * `payload_too_large` for compression, `invalid_signature` for signatures.
   */
  decode(payload: string): Event
  /**
   * Fetches what encoding these events takes: await it, and encode them in the same turn of the event loop. Undefined where that is
   * nothing. Rejects with the error of the log.
   */
  prepareEncoding?(events: readonly Event[]): Promise<void> | undefined
  /** As {@link prepareEncoding}, before payloads are decoded. */
  prepareDecoding?(payloads: readonly (string | null)[]): Promise<void> | undefined
  /** Whether {@link prepareDecoding} has nothing to fetch for this payload. Default: it never has. */
  isPrepared?(payload: string): boolean
  /** The keys under which the log may have events of this symbol, the one under which they are appended first. Default: the symbol. */
  keysOf?(symbol: string): readonly string[]
  /** Whether payloads are the wire JSON of their events, in which a text can be searched for. Default false. */
  readonly writesWireJson?: boolean
}

export interface StagedCodecOptions extends Pick<EventCodec, 'keysOf'> {
  /** Of the JSON of an event, before any stage. Larger events are read. */
  readonly maxEventBytes: number
  /** What goes through the stages over content. */
  readonly holds: Exclude<Holds, 'text'>
  readonly eventStages: readonly EventStage[]
  /** In the order in which events go through them when they are written. Envelopes may name any of them, in any order. */
  readonly contentStages: readonly ContentStage[]
}

/**
 * Writes an event through stages: those over the event, the JSON of the wire, those over content. An event that no stage over content
 * changed is stored as its wire JSON; another is a wire event whose data are an {@link Envelope}. Reading undoes the stages that the envelope names.
 */
export function stagedCodec(options: StagedCodecOptions): EventCodec {
  const { maxEventBytes, holds, eventStages, contentStages, keysOf } = options
  const writesWireJson = contentStages.every(({ write }) => write === undefined)
  const demanded = contentStages.filter(({ refuseWithout }) => refuseWithout !== undefined)
  const eventStagesBackwards = eventStages.toReversed()

  /** The wire event whose data are an envelope, or the wire JSON where that is no larger. */
  function encodeContent(event: Event): string {
    const { head: label, data, metadata } = encodeParts(event)
    assertFits([label, data, metadata], maxEventBytes)
    const plain = Buffer.from(holds === 'data' ? data : `[${data},${metadata}]`)
    let envelope: Envelope = { head: new EnvelopeHead(holds), content: plain }
    let isNeeded = false
    for (const stage of contentStages) {
      const output = stage.write?.(envelope.content, { event, head: envelope.head })
      if (output === undefined) continue
      envelope = output
      isNeeded ||= stage.isOptional !== true
    }
    if (envelope.head.stages.length > 0) {
      const text = envelopeData(envelope)
      if (isNeeded || text.length < plain.length) {
        return `${label},"data":${text},"metadata":${holds === 'data' ? metadata : '{}'}}`
      }
    }
    return `${label},"data":${data},"metadata":${metadata}}`
  }

  function decodeContent(event: Event, { head, content }: Envelope): Event {
    const context = { event, head }
    let opened = content
    for (const applied of head.stages.toReversed()) {
      const stage = contentStages.find(({ name }) => name === applied.name)
      if (stage === undefined) throw unknownEncoding(`its stage ${JSON.stringify(applied.name)} is not known here`)
      opened = stage.read(opened, applied, context)
    }
    const value = parseStoredJson(opened.toString())
    // Any writer of the log can make an envelope: its content is checked as a stored event is.
    if (head.holds === 'data') return fromParsed({ ...toWire(event), data: value }, AS_STORED)
    if (!Array.isArray(value)) throw unknownEncoding('its content must be the list of its data and its metadata')
    const [data, metadata] = value
    return fromParsed({ ...toWire(event), data, metadata }, AS_STORED)
  }

  return {
    writesWireJson,
    ...(keysOf && { keysOf }),
    encode(event) {
      assertNotReserved(event)
      let written = event
      for (const stage of eventStages) written = stage.write(written)
      if (!writesWireJson) return encodeContent(written)
      const payload = encodeEvent(written)
      assertFits([payload], maxEventBytes)
      return payload
    },
    decode(payload) {
      const stored = decodeEvent(payload, AS_STORED)
      const envelope = envelopeIn(stored.data)
      for (const stage of demanded) {
        if (!envelope?.head.stages.some(({ name }) => name === stage.name)) stage.refuseWithout?.(stored)
      }
      let event = envelope === undefined ? stored : decodeContent(stored, envelope)
      for (const stage of eventStagesBackwards) event = stage.read(event)
      return event
    },
    ...(contentStages.some(({ prepareWriting }) => prepareWriting !== undefined) && {
      prepareEncoding: (events) => together(contentStages.map((stage) => stage.prepareWriting?.(events)))
    }),
    ...(contentStages.some(({ prepareReading }) => prepareReading !== undefined) && {
      prepareDecoding: (payloads) => together(contentStages.map((stage) => stage.prepareReading?.(payloads))),
      isPrepared: (payload) => contentStages.every((stage) => stage.isPrepared?.(payload) !== false)
    })
  }
}

function together(preparations: readonly (Promise<void> | undefined)[]): Promise<void> | undefined {
  const pending = preparations.filter((preparation) => preparation !== undefined)
  return pending.length === 0 ? undefined : Promise.all(pending).then(() => {})
}

/** Throws `payload_too_large` when the parts of an event's JSON have more bytes together. */
function assertFits(parts: readonly string[], maxEventBytes: number): void {
  // A character takes 3 bytes at most, so few events have to be counted.
  let characters = 0
  for (const { length } of parts) characters += length
  if (characters * 3 <= maxEventBytes) return
  const bytes = parts.reduce((sum, part) => sum + Buffer.byteLength(part), 0)
  if (bytes <= maxEventBytes) return
  const message = `An event of ${bytes} bytes is larger than the ${maxEventBytes} that are allowed (EVENT_MAX_EVENT_BYTES): store large data elsewhere, and publish a reference to it.`
  throw new EventSystemError('payload_too_large', message)
}
