import type { DeadLetter, EventSystem } from '@tradpal/event-system'
import { Attachments } from '../../packages/event-system/src/codec/index.ts'
import { DeadLetters, type NewDeadLetter } from '../../packages/event-system/src/dead-letters/index.ts'
import type { Delivery } from '../../packages/event-system/src/log/index.ts'

const CONSUMER = 'broker-1'
/** A log takes at most as many units in a call. */
const MOST_UNITS = 100

/** Lets a group give up on all that is new to it, as a step of a test that is about dead letters. The group is made at the start. */
export async function bury({ storage }: EventSystem, name: string, reason = 'No.'): Promise<DeadLetter[]> {
  const group = storage.queue(name)
  await group.create('start')
  return giveUp(storage, name, CONSUMER, await group.read(CONSUMER, { limit: 10_000, waitMs: 0 }), reason)
}

/** Claims what an operator put back to a group. The deliveries are as handlers get them: with the data that the operator gave. */
export async function claimRequeued({ storage }: EventSystem, name: string): Promise<Delivery[]> {
  const deliveries = await storage.queue(name).claim('broker-2', { minIdleMs: 3_600_000, limit: 100 })
  return deliveries.map((delivery) => new Attachments(name, undefined).read(delivery))
}

/** Lets a consumer of a group give up on what it has been given. */
export async function giveUp(
  storage: EventSystem['storage'],
  group: string,
  consumer: string,
  deliveries: readonly Delivery[],
  reason = 'No.'
): Promise<DeadLetter[]> {
  const attachments = new Attachments(group, undefined)
  const error = { message: reason, stack: `Error: ${reason}\n    at desk`, at: Date.now() }
  const dead = await new DeadLetters({ storage }).prepare(
    deliveries.map((delivery): NewDeadLetter => {
      const { messageId, payload, isAmended = false, requeues = 0 } = attachments.read(delivery)
      const { event_type: eventType } = JSON.parse(payload ?? '{}')
      const what = { handler: 'desk', eventType, kind: 'rejected', attempts: 1 } as const
      const entry = { messageId, group, consumer, payload, amended: isAmended, requeues }
      return { ...what, ...entry, firstError: error, lastError: error }
    })
  )
  const units = deliveries.map(({ messageId, attempt }, i) => {
    return { acknowledge: [{ group, consumer, messageId, attempt }], write: dead[i]?.writes ?? [] }
  })
  for (let start = 0; start < units.length; start += MOST_UNITS) {
    const results = await storage.commit(units.slice(start, start + MOST_UNITS))
    const refused = results.find(({ kind }) => kind === 'refused')
    if (refused !== undefined) throw new Error(`A dead letter was not written: ${JSON.stringify(refused)}`)
  }
  return dead.map(({ letter }) => letter)
}
