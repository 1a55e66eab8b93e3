import type { Delivery, Entry } from '../port.ts'
import type { Reply } from './connection.ts'
import { timeOfMessageId } from './message-id.ts'

/** An entry as Redis answers it: id, and fields and values in turn. */
export type EntryReply = [id: string, fields: string[]]
/** An entry that was handed out, with how often, and its attachment, which is left out where the group keeps none. */
export type DeliveryReply = [id: string, fields: string[], deliveries: number, attachment: string | null]

/** The one field of an event's entry. */
const EVENT_FIELD = 'event'

export function toEntry([messageId, fields]: EntryReply): Entry {
  const appendedAt = timeOfMessageId(messageId)
  if (fields.length === 2 && fields[0] === EVENT_FIELD) return { messageId, appendedAt, payload: fields[1] as string }
  const raw: Record<string, string> = {}
  for (let i = 0; i < fields.length; i += 2) raw[fields[i] as string] = fields[i + 1] as string
  const payload = raw[EVENT_FIELD]
  return payload === undefined ? { messageId, appendedAt, payload: null, raw } : { messageId, appendedAt, payload }
}

export function toDelivery([id, fields, attempt, attachment = null]: DeliveryReply): Delivery {
  const delivery = { ...toEntry([id, fields]), attempt }
  return attachment === null ? delivery : { ...delivery, attachment }
}

/** A list of names and values in turn, as XINFO answers, as an object. */
export function fieldsOf(reply: Reply): Record<string, Reply> {
  const fields: Record<string, Reply> = {}
  const list = reply as Reply[]
  for (let i = 0; i < list.length; i += 2) fields[list[i] as string] = list[i + 1] as Reply
  return fields
}
