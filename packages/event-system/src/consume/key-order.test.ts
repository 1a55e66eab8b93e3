import { createEvent } from '@tradpal/events'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Held } from './held.ts'
import { KeyOrder } from './key-order.ts'

/** What may happen next: an entry of a key comes, or something becomes of one that is in hand. */
type Step =
  | { readonly kind: 'add'; readonly key: string | undefined }
  | { readonly kind: 'take' }
  | { readonly kind: 'end' | 'fail' | 'retry' | 'loseRunning' | 'loseWaiting' | 'loseQueued'; readonly which: number }

/** In which state an entry is of which that becomes. */
const STATE = {
  end: 'running',
  fail: 'running',
  retry: 'waiting',
  loseRunning: 'running',
  loseWaiting: 'waiting',
  loseQueued: 'queued'
} as const

const event = createEvent('system_health', {})
const key = fc.option(fc.constantFrom('AAPL', 'MSFT', 'NVDA'), { nil: undefined })
const which = fc.nat(20)
const steps = fc.array(
  fc.oneof(
    { arbitrary: fc.record({ kind: fc.constant('add' as const), key }), weight: 4 },
    { arbitrary: fc.record({ kind: fc.constant('take' as const) }), weight: 4 },
    {
      arbitrary: fc.record({
        kind: fc.constantFrom('end', 'fail', 'retry', 'loseRunning', 'loseWaiting', 'loseQueued'),
        which
      }),
      weight: 5
    }
  ) as fc.Arbitrary<Step>,
  { maxLength: 200 }
)

/** The order as a consumer uses it, and a list of what is in hand beside them. */
class Consumer {
  readonly order = new KeyOrder()
  readonly held: Held[] = []
  /** Handled to the end, or lost, in order. */
  readonly past: Held[] = []
  #count = 0

  take(step: Step): void {
    if (step.kind === 'add') this.#add(step.key)
    else if (step.kind === 'take') this.takeOne()
    else this.#change(step)
  }

  #change(step: Exclude<Step, { kind: 'add' | 'take' }>): void {
    const candidates = this.held.filter(({ state }) => state === STATE[step.kind])
    const held = candidates[step.which % candidates.length]
    if (held === undefined) return
    if (step.kind === 'end') this.end(held)
    if (step.kind === 'fail') {
      held.state = 'waiting'
      this.order.block(held)
    }
    if (step.kind === 'retry') this.retry(held)
    if (step.kind === 'loseRunning' || step.kind === 'loseWaiting') {
      held.lose(new Error('lost'))
      this.#pass(held)
    }
    // One that waits for its turn is passed over when that comes.
    if (step.kind === 'loseQueued') {
      held.lose(new Error('lost'))
      this.#forget(held)
    }
  }

  takeOne(): Held | undefined {
    const held = this.order.take()
    if (held === undefined) return undefined
    expect(held.state).toBe('queued')
    const before = this.held.slice(0, this.held.indexOf(held)).filter((one) => sameKey(one, held))
    expect(before, 'what came before it in its key is done').toEqual([])
    held.state = 'running'
    return held
  }

  end(held: Held): void {
    held.state = 'ended'
    this.#pass(held)
  }

  retry(held: Held): void {
    held.state = 'queued'
    this.order.resume(held)
  }

  #add(key: string | undefined): void {
    const held = new Held({ messageId: `${++this.#count}-0`, appendedAt: 0, payload: '', attempt: 1 }, { event, key })
    this.held.push(held)
    this.order.add(held)
  }

  #pass(held: Held): void {
    this.#forget(held)
    this.order.pass(held)
  }

  #forget(held: Held): void {
    this.held.splice(this.held.indexOf(held), 1)
    this.past.push(held)
  }
}

function sameKey(one: Held, other: Held): boolean {
  return one.key !== undefined && one.key === other.key
}

test('of a key one is handled at a time and in order, whatever fails, is lost or comes again meanwhile; of others all that can be', () => {
  fc.assert(
    fc.property(steps, (taken) => {
      const consumer = new Consumer()
      for (const step of taken) {
        consumer.take(step)
        const waiting = consumer.held.filter(({ state }) => state === 'waiting')
        const parked = consumer.held.filter(
          (one) => one.state === 'queued' && waiting.some((other) => sameKey(one, other))
        )
        expect(consumer.order.blocked, 'behind those that wait').toBeGreaterThanOrEqual(parked.length)
        if (waiting.length === 0) expect(consumer.order.blocked).toBe(0)
      }
      // From here on all goes well: nothing is left over, and what has no key or no one before it needs nobody's end.
      for (let left = consumer.held.length; left > 0; left = consumer.held.length) {
        for (const held of consumer.held.filter(({ state }) => state === 'waiting')) consumer.retry(held)
        while (consumer.takeOne() !== undefined) {}
        const running = consumer.held.filter(({ state }) => state === 'running')
        const heads = consumer.held.filter((held, i) => !consumer.held.slice(0, i).some((one) => sameKey(one, held)))
        expect(running).toEqual(heads)
        for (const held of running) consumer.end(held)
        expect(consumer.held.length).toBeLessThan(left)
      }
      expect(consumer.takeOne()).toBeUndefined()
      expect(consumer.order.blocked).toBe(0)
    }),
    { numRuns: 2_000 }
  )
})
