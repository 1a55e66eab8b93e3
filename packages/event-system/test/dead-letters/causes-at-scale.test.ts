import { expect, test } from 'vitest'
import { DeadLetters, type NewDeadLetter } from '../../src/dead-letters/index.ts'
import type { Collections, Storage } from '../../src/log/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'
import { withFaults } from '../support/events.ts'

const CAUSES = ['a timeout', 'no such account', 'a closed market', 'a full disk', 'a wrong symbol']

/** Puts dead letters into a log, of each cause equally many. They name no entry: only their number counts here. */
async function putDeadLetters(storage: Storage, perCause: number): Promise<void> {
  const letters = new DeadLetters({ storage })
  for (const message of CAUSES) {
    const error = { message, at: 1 }
    const wanted: NewDeadLetter = {
      messageId: '1-0',
      group: 'brokers',
      consumer: 'broker-1',
      handler: 'trade',
      eventType: 'trading_signal',
      payload: null,
      amended: false,
      kind: 'exhausted',
      attempts: 3,
      requeues: 0,
      firstError: error,
      lastError: error
    }
    const dead = await letters.prepare(Array.from({ length: perCause }, () => wanted))
    for (let start = 0; start < dead.length; start += 100) {
      const units = dead.slice(start, start + 100).map(({ writes }) => ({ write: writes }))
      const results = await storage.commit(units)
      expect(results.every(({ kind }) => kind === 'committed')).toBe(true)
    }
  }
}

/** The log, and how many documents and counts its collections have given out. */
function counting(storage: Storage) {
  const given = { documents: 0, counts: 0 }
  const { collections } = storage
  const counted: Collections = {
    revision: (collection) => collections.revision(collection),
    erase: (...args) => collections.erase(...args),
    async get(collection, ids) {
      given.documents += ids.length
      return collections.get(collection, ids)
    },
    async list(collection, page) {
      const documents = await collections.list(collection, page)
      given.documents += documents.length
      return documents
    },
    async count(collection, prefix) {
      given.counts += 1
      return collections.count(collection, prefix)
    }
  }
  return { given, letters: new DeadLetters({ storage: withFaults(storage, { collections: counted }) }) }
}

/** What the causes are, and what they cost. */
async function causesOf(storage: Storage) {
  const { given, letters } = counting(storage)
  const causes = await letters.causes()
  return { given, found: causes.map(({ count, oldest }) => `${count} ${oldest.lastError.message}`).sort() }
}

describeOnEachLog('the causes of dead letters', (logs) => {
  test('cost two documents and one count each, for 10 dead letters and for 10,000', { timeout: 60_000 }, async () => {
    const storage = await logs.open()
    await putDeadLetters(storage, 2)
    const few = await causesOf(storage)
    await putDeadLetters(storage, 1_998)
    const many = await causesOf(storage)

    expect(few.found).toEqual(CAUSES.map((message) => `2 ${message}`).sort())
    expect(many.found).toEqual(CAUSES.map((message) => `2000 ${message}`).sort())
    expect(many.given).toEqual({ documents: 2 * CAUSES.length, counts: CAUSES.length })
    expect(few.given).toEqual(many.given)
  })
})
