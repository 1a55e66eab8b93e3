import { type PublishQuery, PublishReceipt as PublishReceiptSchema, SpoolReceipt } from '@tradpal/event-api'
import { EventSystemError, type PublishOptions, type PublishReceipt } from '@tradpal/event-system'
import { mustCount } from '@tradpal/event-system/access'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { notePublished } from './auditing.ts'

/** What a publish answers: 202 only to a client that asks for it. */
export const publishResponses = { 200: PublishReceiptSchema, 202: SpoolReceipt }

/**
 * `query`: what the schema `PublishQuery` says. Who publishes over HTTP is told at once when there is no room, and comes
 * again: waiting requests would fill the memory. Throws `forbidden` for a stream key that the principal may not count.
 */
export function publishOptions(
  { headers: { prefer }, principal }: Pick<FastifyRequest, 'headers' | 'principal'>,
  { stream_key: streamKey, expected_version: expectedVersion }: PublishQuery = {}
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
