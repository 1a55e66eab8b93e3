import type { DeadLetter, EventSystem } from '@tradpal/event-system'

/** Lets a group give up on all that is new to it, as a step of a test that is about dead letters. The group is made at the start. */
export async function bury(system: EventSystem, groupName: string, reason = 'No.'): Promise<DeadLetter[]> {
  const group = system.log.group(groupName)
  await group.create('start')
  const deliveries = await group.read('broker-1', { limit: 10_000, waitMs: 0 })
  const error = { message: reason, stack: `Error: ${reason}\n    at desk`, at: Date.now() }
  const settled = await group.settle(
    'broker-1',
    deliveries.map(({ messageId, attempt, payload }) => {
      const { event_type: eventType } = JSON.parse(payload ?? '{}')
      const what = { handler: 'desk', eventType, kind: 'rejected', attempts: 1 } as const
      const letter = { ...what, consumer: 'broker-1', payload, firstError: error, lastError: error }
      return { messageId, attempt, outcome: { kind: 'dead', letter } }
    })
  )
  return settled.flatMap((result) => (result.kind === 'settled' && result.letter ? [result.letter] : []))
}
