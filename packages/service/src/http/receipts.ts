import { EventSystemError, type PublishOptions, type PublishReceipt } from '@tradpal/event-system'
import { mustCount } from '@tradpal/event-system/access'
import type { FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { notePublished } from './auditing.ts'
import { published, publishedBatch } from './schemas.ts'

const SPOOLED =
  'The log does not take it just now: it is on the disk of the service, and comes into the log when that is there again.'

const spooled = Type.Object({
  status: Type.Literal('spooled', { description: SPOOLED }),
  event_id: Type.String(),
  spool_id: Type.String({ description: 'Its place in the spool, which no log knows.' })
})

const spooledBatch = Type.Object({
  status: Type.Literal('spooled', { description: SPOOLED }),
  count: Type.Integer(),
  event_ids: Type.Array(Type.String()),
  spool_id: Type.String()
})

const checkedBatch = Type.Object({
  status: Type.Literal('checked', { description: 'With dry_run: every event could be published.' }),
  count: Type.Integer()
})

/** What a publish answers: 202 only to a client that asks for it. */
export const publishResponses = { 200: published, 202: spooled }
export const batchResponses = { 200: Type.Union([publishedBatch, checkedBatch]), 202: spooledBatch }

/** Clients say with `Prefer: respond-async` (RFC 7240) that the spool will do. */
export const preferHeader = Type.Object({
  prefer: Type.Optional(
    Type.String({ description: '`respond-async`: where the service has a spool, 202 will do while the log is away.' })
  )
})

interface Expectation {
  readonly stream_key?: string
  readonly expected_version?: number
}

/**
 * `query`: what the schema `expectation` says. Who publishes over HTTP is told at once when there is no room, and comes
 * again: waiting requests would fill the memory. Throws `forbidden` for a stream key that the principal may not count.
 */
export function publishOptions(
  { headers: { prefer }, principal }: Pick<FastifyRequest, 'headers' | 'principal'>,
  { stream_key: streamKey, expected_version: expectedVersion }: Expectation = {}
): PublishOptions {
  if (streamKey === undefined && expectedVersion !== undefined) {
    throw new EventSystemError('invalid_argument', 'expected_version is the version of a stream_key; give both.')
  }
  mustCount(principal, streamKey)
  return {
    spool: prefer !== undefined && isContent(String(prefer)) ? 'allowed' : 'never',
    whenFull: 'refuse',
    ...(streamKey === undefined ? {} : { streamKey }),
    ...(expectedVersion === undefined ? {} : { expectedVersion })
  }
}

function isContent(preferences: string): boolean {
  return preferences.split(',').some((preference) => /^\s*respond-async\s*(;|$)/i.test(preference))
}

export function receiptOf(receipt: PublishReceipt, reply: FastifyReply) {
  notePublished(reply.request, [receipt])
  const { status, messageId, eventId, duplicate } = receipt
  if (status === 'spooled') {
    acceptAsync(reply)
    return { status, event_id: eventId, spool_id: messageId }
  }
  const ofDuplicate = duplicate ? { duplicate: true as const } : {}
  return {
    message_id: messageId,
    event_id: eventId,
    status,
    ...ofDuplicate,
    ...versionOf([receipt]),
    ...flagOf([receipt])
  }
}

export function batchReceiptOf(receipts: readonly PublishReceipt[], reply: FastifyReply) {
  notePublished(reply.request, receipts)
  const eventIds = receipts.map(({ eventId }) => eventId)
  const [first] = receipts
  if (first?.status === 'spooled') {
    acceptAsync(reply)
    return { status: first.status, count: receipts.length, event_ids: eventIds, spool_id: first.messageId }
  }
  const messageIds = receipts.map(({ messageId }) => messageId)
  return {
    status: 'published' as const,
    count: receipts.length,
    message_ids: messageIds,
    event_ids: eventIds,
    ...duplicatesAmong(receipts),
    ...versionOf(receipts),
    ...flagOf(receipts)
  }
}

/** The indexes of those that were published before. */
function duplicatesAmong(receipts: readonly PublishReceipt[]): { duplicates?: number[] } {
  const duplicates = receipts.flatMap(({ duplicate }, index) => (duplicate ? [index] : []))
  return duplicates.length === 0 ? {} : { duplicates }
}

/** The one since the last of them. */
function versionOf(receipts: readonly PublishReceipt[]): { version?: number } {
  const versions = receipts.map(({ version }) => version).filter((version) => version !== undefined)
  return versions.length === 0 ? {} : { version: Math.max(...versions) }
}

function flagOf(receipts: readonly PublishReceipt[]): { timestamp_ahead?: true } {
  return receipts.some(({ timestampAhead }) => timestampAhead) ? { timestamp_ahead: true } : {}
}

function acceptAsync(reply: FastifyReply): void {
  reply.code(202).header('preference-applied', 'respond-async')
}
