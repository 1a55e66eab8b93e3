import { createEvent, type Event, EventType } from '@tradpal/events'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { OutboxPublisher, OutboxStore } from '../../src/outbox/index.ts'
import { EventPublisher } from '../../src/publish/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { describeOnEachDatabase, eventIdsIn } from './support/each-database.ts'
import { never, startUnanswered } from './support/faults.ts'

/** What happens while one relay lives, which is until its `diesAt`-th step, before or after that step took effect. */
interface Life {
  readonly diesAt: number
  readonly transactions: readonly { readonly keys: readonly string[]; readonly commits: boolean }[]
}

const life: fc.Arbitrary<Life> = fc.record({
  diesAt: fc.nat(24),
  transactions: fc.array(
    fc.record({ keys: fc.array(fc.constantFrom('AAPL', 'MSFT', 'IBM'), { maxLength: 6 }), commits: fc.boolean() }),
    { maxLength: 4 }
  )
})

/** Steps of a relay: each call to the database or the log is two, before and after it took effect. At the last one it hangs for ever. */
class Mortal {
  #stepsLeft: number
  constructor(stepsLeft: number) {
    this.#stepsLeft = stepsLeft
  }

  get isDead(): boolean {
    return this.#stepsLeft <= 0
  }

  async #step(): Promise<void> {
    if (--this.#stepsLeft <= 0) await never
  }

  of<Part extends OutboxStore<unknown, unknown> | OutboxPublisher>(part: Part, methods: readonly (keyof Part)[]): Part {
    return new Proxy(part, {
      get: (target, name) => {
        const method = Reflect.get(target, name)
        if (typeof method !== 'function') return method
        if (!methods.includes(name as keyof Part)) return method.bind(target)
        return async (...parameters: unknown[]) => {
          await this.#step()
          const result = await method.apply(target, parameters)
          await this.#step()
          return result
        }
      }
    })
  }
}

describeOnEachDatabase('whatever commits, is rolled back and dies', (database) => {
  test('the log has exactly the events that were committed, in their order', { timeout: 120_000 }, async () => {
    const property = fc.asyncProperty(
      fc.array(life, { maxLength: 3 }),
      fc.integer({ min: 1, max: 5 }),
      async (lives, batchSize) => {
        const before = (await eventIdsIn(database.storage)).length
        const options = { batchSize, pollMs: 1, leaseMs: 100 }
        const committed: Event[] = []
        for (const { diesAt, transactions } of lives) {
          const mortal = new Mortal(diesAt)
          const store = mortal.of(database.newStore(), ['waiting', 'remove', 'lease', 'moveLease'])
          const publisher = mortal.of(new EventPublisher({ storage: database.storage }) as OutboxPublisher, [
            'publishBatch'
          ])
          const relay = database.newOutbox({ ...options, store, publisher })
          startUnanswered(relay)
          for (const { keys, commits } of transactions) {
            const events = keys.map((symbol) => createEvent(EventType.MARKET_DATA_UPDATE, { symbol, price: 1 }))
            const ending = database.transaction(relay, async ({ enqueue }) => {
              for (const event of events) await enqueue(event)
              if (!commits) throw new Error('rolled back')
            })
            await ending.then(
              () => committed.push(...events),
              () => {}
            )
          }
          if (diesAt % 2 === 0) await waitFor(() => mortal.isDead)
        }
        const last = database.newOutbox(options)
        await last.start()
        await waitFor(async () => (await last.stats()).waiting === 0)
        expect((await eventIdsIn(database.storage)).slice(before)).toEqual(committed.map(({ eventId }) => eventId))
        await last.close()
      }
    )
    await fc.assert(property, { numRuns: 40 })
  })
})
