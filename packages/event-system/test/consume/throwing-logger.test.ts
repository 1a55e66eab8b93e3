import { createEvent, EventType } from '@tradpal/events'
import { expect, onTestFinished, test } from 'vitest'
import { EventPuller, EventSubscriber } from '../../src/consume/index.ts'
import { DeadLetters } from '../../src/dead-letters/index.ts'
import type { Logger } from '../../src/runtime/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'
import { append, isGroupSettled, signal } from '../support/events.ts'

const soon = { initialMs: 1, maxMs: 1 }

function throwing(): { logger: Logger; called: string[] } {
  const called: string[] = []
  const fail = (_: object, message: string) => {
    called.push(message)
    throw new Error('the logger is broken')
  }
  const logger: Logger = { debug: fail, info: fail, warn: fail, error: fail, child: () => logger }
  return { logger, called }
}

describeOnEachLog('a logger that throws', (logs) => {
  test('changes nothing of what happens to events: each is handled as often as it would be, and settled', async () => {
    const storage = await logs.open()
    const { logger, called } = throwing()
    const subscriber = new EventSubscriber({ storage, logger })
    onTestFinished(async () => void (await subscriber.close({ timeoutMs: 100 })))
    const runs: string[] = []
    const repeated = { ...signal(), eventId: 'repeated' }
    subscriber.registerHandler('*', (event, context) => {
      runs.push(`${event.eventId} ${context.attempt}`)
      context.logger.info({}, 'handling')
      if (event.eventId === 'dead') throw new Error('no')
      if (event.eventId === 'effects') {
        // An id that stands for another event: a warning tells that it is dropped.
        context.publish({
          ...createEvent(EventType.ORDER_EXECUTED, { symbol: 'A', side: 'BUY', quantity: 1, price: 1 }),
          eventId: 'repeated'
        })
      }
    })
    await append(storage, repeated, { ...signal(), eventId: 'dead' }, { ...signal(), eventId: 'effects' })
    await storage.log.append([{ eventId: 'poison', eventType: 'trading_signal', payload: 'no JSON' }])
    const consumer = await subscriber.startConsuming({ group: 'g', from: 'start', backoff: soon, maxAttempts: 2 })
    await waitFor(() => isGroupSettled(storage, 'g'))
    await waitFor(() => called.some((message) => message.includes('was dropped')))
    expect(await consumer.close()).toEqual({ handedBack: 0, unfinished: 0 })
    expect(runs.sort()).toEqual(['dead 1', 'dead 2', 'effects 1', 'repeated 1'])
    const letters = await new DeadLetters({ storage }).list({ limit: 10 })
    expect(letters.map(({ kind }) => kind).sort()).toEqual(['exhausted', 'poison'])
    expect(called).toEqual(expect.arrayContaining(['handling', 'an event went to the dead letters']))
  })

  test('keeps no pull from its events', async () => {
    const storage = await logs.open()
    const { logger, called } = throwing()
    const puller = new EventPuller({ storage, logger })
    await append(storage, signal())
    await puller.pull({ group: 'g', from: 'start', max: 1 })
    await storage.queue('g').destroy()
    expect(await puller.pull({ group: 'g', from: 'start' })).toHaveLength(1)
    expect(called).toContain('the consumer group was gone and has been made again, where it stood')
  })
})
