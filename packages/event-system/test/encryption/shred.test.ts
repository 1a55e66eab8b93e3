import { createEvent, type Event, RetryLater } from '@tradpal/events'
import { describe, expect, it } from 'vitest'
import { type DeadLetter, Documents, diagnostics, type EventSystem } from '../../src/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'
import { signal } from '../support/events.ts'
import { keysFile } from './keys-in-file.ts'
import { customerOf, prices, signalOf, stepsOver, systemOver } from './systems.ts'

const BECAUSE = { by: 'op', reason: 'They asked for it.' }

describeOnEachLog('a shredded customer', (under) => {
  const system = () => systemOver(under, { encryption: { keysFile: keysFile('a'), keyFor: customerOf } })

  it('is read by nobody any more, and nothing is published for them, by processes too that had the key', async () => {
    const [one, other] = [await system(), await system()]
    const ids = await one.publishBatch([signalOf('goes', 1), signalOf('stays', 2)])
    expect(prices(await other.getEvents())).toEqual([1, 2])
    await other.publishEvent(signalOf('goes', 3))

    const report = await one.shred('goes', BECAUSE)
    expect(report).toMatchObject({ alreadyShredded: false })
    for (const each of [one, other, await system()]) {
      expect(prices(await each.getEvents())).toEqual([2])
      expect(await each.store.getEvent(ids[0] ?? '')).toBeUndefined()
      await expect(each.publishEvent(signalOf('goes'))).rejects.toMatchObject({ code: 'shredded', retryable: false })
      await expect(each.transaction((unit) => unit.publish(signalOf('goes')))).rejects.toMatchObject({
        code: 'shredded'
      })
    }
    await other.publishEvent(signalOf('stays', 4))
    expect((await (await under.open()).log.read({ limit: 10 })).entries).toHaveLength(4)
    expect(await other.shred('goes', { ...BECAUSE, by: 'another' })).toMatchObject({
      alreadyShredded: true,
      shreddedAt: report.shreddedAt
    })
  })

  it('leaves a record of who did it and when, and of nothing else', async () => {
    const shredding = await system()
    await shredding.publishEvent(signalOf('goes'))
    const { subjectId, shreddedAt } = await shredding.shred('goes', BECAUSE)
    const documents = await new Documents(await under.open()).all('subject-keys')
    const kept = documents.map(({ id, value }) => ({ id, value: JSON.parse(value) }))
    const reason = expect.stringMatching(/^\$encoded:1;text;aes-256-gcm,key=a,/)
    expect(kept).toEqual([{ id: subjectId, value: { shredded: { at: shreddedAt, by: 'op', reason } } }])
  })

  it('is refused when nobody knows them, and by who has no reason', async () => {
    const shredding = await system()
    await expect(shredding.shred('nobody', BECAUSE)).rejects.toMatchObject({ code: 'not_found' })
    await expect(shredding.shred('', BECAUSE)).rejects.toMatchObject({ code: 'invalid_argument' })
    await expect(shredding.shred('nobody', { by: 'op', reason: '' })).rejects.toMatchObject({
      code: 'invalid_argument'
    })
    expect(await new Documents(await under.open()).all('subject-keys')).toEqual([])
  })

  for (const ordering of ['none', 'key'] as const) {
    it(`is acknowledged by consumers, handed to nobody and counted (ordering: ${ordering})`, async () => {
      const one = await system()
      await one.publishBatch([signalOf('goes', 1), signalOf('stays', 2), signalOf('goes', 3)])
      await one.shred('goes', BECAUSE)
      const consuming = await system()
      const counted: unknown[] = []
      const count = (message: unknown) => {
        if ((message as { storage: unknown }).storage === consuming.storage) counted.push(message)
      }
      diagnostics.shredded.subscribe(count)
      const handled: unknown[] = []
      consuming.registerHandler('trading_signal', (event) => void handled.push(event.data.price))
      await consuming.startConsuming({ group: 'g', from: 'start', ordering })
      await waitFor(async () => counted.length === 2 && (await consuming.groups.get('g')).pending === 0)
      diagnostics.shredded.unsubscribe(count)
      expect(handled).toEqual([2])
      expect(await consuming.deadLetters.count()).toBe(0)
      expect(counted).toEqual([expect.objectContaining({ group: 'g' }), expect.objectContaining({ group: 'g' })])
    })
  }

  it('is acknowledged by a pull', async () => {
    const one = await system()
    await one.publishBatch([signalOf('goes', 1), signalOf('stays', 2)])
    await one.shred('goes', BECAUSE)
    const pulled = await (await system()).puller.pull({ group: 'pulled', consumer: 'c', from: 'start' })
    expect(prices(pulled.map(({ event }) => event))).toEqual([2])
    expect((await one.groups.get('pulled')).pending).toBe(1)
    expect(await one.deadLetters.count()).toBe(0)
  })

  it('is not handled again by a consumer that has their event in hand and waits for its retry', async () => {
    const consuming = await system()
    const handled: unknown[] = []
    consuming.registerHandler('trading_signal', (event) => {
      handled.push(event.data.price)
      throw new RetryLater(900)
    })
    await consuming.startConsuming({ group: 'g', from: 'start' })
    await consuming.publishEvent(signalOf('goes', 1))
    await waitFor(() => handled.length === 1)
    await (await system()).shred('goes', BECAUSE)
    await waitFor(async () => (await consuming.groups.get('g')).pending === 0, { timeoutMs: 8_000 })
    expect(handled).toEqual([1])
    expect(await consuming.deadLetters.count()).toBe(0)
  })

  it('makes a handler that publishes for them fail for good, at once', async () => {
    const one = await system()
    await one.publishEvent(signalOf('goes'))
    await one.shred('goes', BECAUSE)
    one.registerHandler('system_health', (_, context) => context.publish(signalOf('goes')))
    await one.startConsuming({ group: 'g' })
    await one.publishEvent(createEvent('system_health'))
    await waitFor(async () => (await one.deadLetters.count()) === 1)
    expect(await one.deadLetters.list()).toMatchObject([{ kind: 'rejected', attempts: 1 }])
  })

  describe('of whom handlers said something', () => {
    /** A system whose handler gives up on each event at once, and says its price. */
    async function failing(onEvent: (each: EventSystem) => Promise<unknown> = async () => {}) {
      const each = await system()
      each.registerHandler('trading_signal', async (event) => {
        await onEvent(each)
        throw new Error(`MARK ${event.data.price}`)
      })
      await each.startConsuming({ group: 'failing', from: 'start', maxAttempts: 1 })
      return each
    }

    const errorsOf = ({ firstError, lastError }: Pick<DeadLetter, 'firstError' | 'lastError'>) =>
      [firstError, lastError].flatMap(({ message, stack }) => [message, stack])
    const GONE = expect.stringMatching(/^\(It cannot be read\. The key of the subject was destroyed/)

    it('takes that along, out of dead letters and the record of operators, and leaves that of others', async () => {
      const [one, other] = [await failing(), await system()]
      await one.publishBatch([signalOf('goes', 1), signalOf('stays', 2), signalOf('goes', 3)])
      await waitFor(async () => (await other.deadLetters.count()) === 3)
      const letters = await other.deadLetters.list()
      expect(letters.map(({ lastError }) => lastError.message)).toEqual(['MARK 1', 'MARK 2', 'MARK 3'])
      const [goes, stays] = letters
      await other.deadLetters.discard(goes?.id ?? '', BECAUSE)
      await one.shred('goes', BECAUSE)
      for (const each of [one, other, await system()]) {
        const [kept, gone] = await each.deadLetters.list()
        expect(errorsOf(kept as DeadLetter)).toEqual(errorsOf(stays as DeadLetter))
        expect(errorsOf(gone as DeadLetter)).toEqual([GONE, GONE, GONE, GONE])
        expect(errorsOf((await each.deadLetters.get(gone?.id ?? '')) as DeadLetter)).toEqual([GONE, GONE, GONE, GONE])
        const [action] = await each.deadLetters.actions()
        expect(errorsOf(action?.letter as DeadLetter)).toEqual([GONE, GONE, GONE, GONE])
      }
    })

    it('keeps nothing of what a handler says just when they are shredded', async () => {
      const shredding = await failing((each) => each.shred('goes', BECAUSE))
      await shredding.publishEvent(signalOf('goes', 1))
      await waitFor(async () => (await shredding.deadLetters.count()) === 1)
      const [letter] = await shredding.deadLetters.list()
      expect(errorsOf(letter as DeadLetter)).toEqual([GONE, GONE, GONE, GONE])
    })
  })

  it('takes along what steps of their handling returned, which is known until then', async () => {
    const [one, other] = [await system(), await system()]
    const events = [signalOf('goes', 1), signalOf('stays', 2)]
    const returned: unknown[] = []
    one.registerHandler(
      'trading_signal',
      async ({ data: { price } }, context) => {
        returned.push(await context.once('ask', () => `step ${price}, made ${returned.length}`))
        if (returned.length <= 2) throw new RetryLater(1)
      },
      { name: 'asker' }
    )
    await one.startConsuming({ group: 'g', from: 'start' })
    await one.publishBatch(events)
    await waitFor(async () => returned.length >= 4 && (await one.groups.get('g')).pending === 0)
    expect(new Set(returned).size, 'each step ran once').toBe(2)

    const { collections } = one.storage
    const ledger = { name: 'ledger:g', keepMs: 86_400_000 }
    const kept = await collections.get(
      ledger,
      events.map(({ eventId }) => `${eventId} once:asker:ask`)
    )
    expect(kept.map((document) => document?.value)).toEqual([
      expect.stringMatching(/^\$encoded:1;text;aes-256-gcm,subject=/),
      expect.stringMatching(/^\$encoded:1;text;aes-256-gcm,subject=/)
    ])
    const again = (event: Event | undefined) => {
      const of = { eventId: event?.eventId ?? '', payload: null }
      return stepsOver(other.storage).once(of, 'once:asker:ask', () => 'once more')
    }
    expect(await again(events[0])).toBe('step 1, made 0')
    await one.shred('goes', BECAUSE)
    await expect(again(events[0])).rejects.toMatchObject({ code: 'shredded' })
    expect(await again(events[1])).toBe('step 2, made 1')
  })

  it('keeps an operator from amending their dead letter', async () => {
    const one = await system()
    one.registerHandler('trading_signal', () => Promise.reject(new Error('no')), { maxAttempts: 1 })
    const consumer = await one.startConsuming({ group: 'g' })
    await one.publishEvent(signalOf('goes'))
    await waitFor(async () => (await one.deadLetters.count()) === 1)
    await consumer.close()
    await one.shred('goes', BECAUSE)
    const [letter] = await one.deadLetters.list()
    const amend = (await system()).deadLetters.requeue(letter?.id ?? '', { by: 'op', data: { ...signal().data } })
    await expect(amend).rejects.toMatchObject({ code: 'shredded' })
  })
})
