import { EventSystemError, Reject } from '@tradpal/events'
import { expect, onTestFinished, test } from 'vitest'
import { type ConsumeOptions, EventSubscriber, type Handler } from '../../src/consume/index.ts'
import { DeadLetters } from '../../src/dead-letters/index.ts'
import type { Storage, Unit } from '../../src/log/index.ts'
import { LeasedGroup } from '../../src/log/partitioned/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'
import { append, isGroupSettled, isSettling, signal, withFaults } from '../support/events.ts'
import { recordingLogger } from '../support/recording-logger.ts'

const soon = { initialMs: 1, maxMs: 1 }
const WRONG = 'unacceptable'

/** A log that refuses calls with a unit for which this holds. */
function refusing(storage: Storage, isRefused: (unit: Unit) => boolean): Storage {
  const log = withFaults(storage, {
    async commit(units) {
      if (units.some(isRefused)) throw new EventSystemError('invalid_argument', 'A text is too long.')
      return storage.commit(units)
    },
    partitioned: (group) => new LeasedGroup(group, log)
  })
  return log
}

async function consume(storage: Storage, handler: Handler, options: ConsumeOptions) {
  const { logger, logged } = recordingLogger()
  const subscriber = new EventSubscriber({ storage, logger })
  onTestFinished(async () => void (await subscriber.close({ timeoutMs: 100 })))
  subscriber.registerHandler('*', handler, { name: 'desk' })
  const consumer = await subscriber.startConsuming({ group: 'g', from: 'start', backoff: soon, ...options })
  return { consumer, logged }
}

const others = ['1', '2', '3', '4'].map((eventId) => ({ ...signal(), eventId }))
const odd = { ...signal('MSFT'), eventId: 'odd' }

/** What the log is not to write of the odd event. */
const refused: [what: string, handler: Handler][] = [
  ['its dead letter', () => Promise.reject(new Reject(WRONG))],
  ['its retry', () => Promise.reject(new Error(WRONG))],
  ['what its handler published', (_, context) => context.publish({ ...signal(), source: WRONG })]
]

describeOnEachLog('a settlement that the log refuses', (logs) => {
  const orders: ConsumeOptions[] = [{ ordering: 'none' }, { ordering: 'key', leaseMs: 300 }]
  test.each(orders.flatMap((order) => refused.map((one) => [order.ordering, ...one, order] as const)))(
    'with the order %s, for %s: the event is a dead letter that says so, and all others are settled',
    async (_, _what, handleOdd, order) => {
      const storage = await logs.open()
      const isRefused = (unit: Unit) =>
        isSettling(unit) || 'fence' in unit ? JSON.stringify(unit).includes(WRONG) : false
      const log = refusing(storage, isRefused)
      const attempts: string[] = []
      const handler: Handler = (event, context) => {
        attempts.push(`${event.eventId} ${context.attempt}`)
        if (event.eventId === 'odd') return handleOdd(event, context)
        if (context.attempt === 1) throw new Error('not yet')
      }
      await append(storage, ...others.slice(0, 2), odd, ...others.slice(2))
      const { consumer, logged } = await consume(log, handler, { ...order, concurrency: 5 })
      await waitFor(() => isGroupSettled(storage, 'g'))
      await consumer.close()
      const letters = await new DeadLetters({ storage }).list({ limit: 10 })
      expect(letters).toMatchObject([{ group: 'g', kind: 'rejected', eventType: 'trading_signal', attempts: 1 }])
      expect(letters[0]?.payload).toContain('"odd"')
      expect(letters[0]?.lastError.message).toMatch(/^The log refused to write how its handling ended: A text is too/)
      expect(attempts.filter((one) => one.startsWith('odd'))).toEqual(expect.arrayContaining(['odd 1']))
      for (const { eventId } of others) expect(attempts).toContain(`${eventId} 2`)
      expect(logged.filter(([level]) => level !== 'debug').map(([, message]) => message)).toContain(
        'the log refused to write how the handling of an event ended'
      )
    }
  )

  test('together with each dead letter of its event: the event stays pending, which is said, and comes again', async () => {
    const storage = await logs.open()
    let isSick = true
    let oddId = ''
    const isOdd = (unit: Unit) => isSettling(unit) && JSON.stringify(unit).includes(`"${oddId}"`)
    const log = refusing(storage, (unit) => isSick && isOdd(unit))
    const attempts: string[] = []
    const handler: Handler = ({ eventId }, { attempt }) => {
      attempts.push(`${eventId} ${attempt}`)
      if (isSick && eventId === 'odd') throw new Error('no')
      if (attempt === 1) throw new Error('not yet')
    }
    const ids = await append(storage, odd, ...others)
    oddId = ids[0] as string
    const { logged } = await consume(log, handler, { concurrency: 5, maxAttempts: 2, claimAfterMs: 60 })
    const said = () => logged.filter(([, message]) => message.endsWith('ended; it is handed out again'))
    await waitFor(() => said().length === 2)
    expect(said()[0]).toMatchObject(['warn', expect.any(String), { messageId: oddId }])
    await waitFor(async () => (await storage.queue('g').info()).pending === 1)
    for (const { eventId } of others) expect(attempts).toContain(`${eventId} 2`)
    expect(await new DeadLetters({ storage }).count()).toBe(0)
    isSick = false
    await waitFor(() => isGroupSettled(storage, 'g'))
    expect(attempts.filter((one) => one.startsWith('odd')).length).toBeGreaterThanOrEqual(3)
  })
})
