import { createEvent } from '@tradpal/events'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Held } from './held.ts'
import { InFlight } from './in-flight.ts'

const LIMITS = { prefetch: 8, prefetchBytes: 400, concurrency: 3 }
const event = createEvent('system_health', {})

/** Something becomes of a delivery. `which`: the number of the one, among those in the state that this takes. */
interface Change {
  readonly kind: 'delivered again' | 'ended' | 'retry' | 'unreadable' | 'settled' | 'lost'
  readonly which: number
  readonly inMs: number
}

/** An input of the machine, with what the log and the clock do. */
type Input =
  | { readonly kind: 'delivered'; readonly keys: readonly (string | undefined)[] }
  | Change
  | { readonly kind: 'start' | 'pause' | 'resume' | 'doubt' | 'certain' | 'crash' }
  | { readonly kind: 'time passes'; readonly ms: number }

const key = fc.option(fc.constantFrom('AAPL', 'MSFT', 'NVDA'), { nil: undefined })
const inputs: fc.Arbitrary<Input[]> = fc.array(
  fc.oneof(
    {
      arbitrary: fc.record({ kind: fc.constant('delivered' as const), keys: fc.array(key, { maxLength: 6 }) }),
      weight: 3
    },
    { arbitrary: fc.record({ kind: fc.constant('start' as const) }), weight: 6 },
    {
      arbitrary: fc.record({
        kind: fc.constantFrom('ended', 'settled', 'retry', 'unreadable', 'lost', 'delivered again'),
        which: fc.nat(20),
        inMs: fc.nat(40)
      }),
      weight: 8
    },
    { arbitrary: fc.record({ kind: fc.constant('time passes' as const), ms: fc.nat(30) }), weight: 3 },
    { arbitrary: fc.record({ kind: fc.constantFrom('pause', 'resume', 'doubt', 'certain', 'crash') }), weight: 1 }
  ) as fc.Arbitrary<Input>,
  { maxLength: 150 }
)

/** A log that redelivers what was not settled, a consumer that is driven by inputs, and the promises that it must keep meanwhile. */
class Consumer {
  now = 0
  machine = new InFlight(LIMITS)
  /** Deliveries of the log that nobody has settled, in log order. */
  readonly unsettled: { messageId: string; key: string | undefined; attempt: number }[] = []
  /** Running now, those included that were lost meanwhile. */
  running = new Set<Held>()
  readonly settled = new Set<string>()
  #count = 0
  #isCertain = false
  #isPaused = false

  constructor() {
    this.take({ kind: 'certain' })
  }

  take(input: Input): void {
    switch (input.kind) {
      case 'delivered':
        this.#append(input.keys)
        break
      case 'start':
        this.start()
        break
      case 'time passes':
        this.now += input.ms
        this.machine.tick(this.now)
        break
      case 'pause':
        this.#isPaused = true
        this.machine.pause()
        break
      case 'resume':
        this.#isPaused = false
        this.machine.resume()
        break
      case 'doubt':
        this.#isCertain = false
        this.machine.doubt()
        break
      case 'certain':
        this.#isCertain = true
        this.machine.certain(Number.POSITIVE_INFINITY)
        break
      case 'crash':
        this.#crash()
        break
      default:
        this.#change(input)
    }
  }

  #change({ kind, which, inMs }: Change): void {
    const inFlight = [...this.machine]
    const ended = inFlight.filter(({ state }) => state === 'ended')
    const candidates = { 'delivered again': inFlight, lost: inFlight, settled: ended }
    const among = kind in candidates ? candidates[kind as keyof typeof candidates] : [...this.running]
    const held = among[which % among.length]
    if (held === undefined) return
    if (kind === 'ended') this.end(held)
    if (kind === 'settled') this.settle(held)
    if (kind === 'lost') this.#lose(held)
    if (kind === 'retry' || kind === 'unreadable') {
      this.running.delete(held)
      if (kind === 'retry') this.machine.readable(held)
      const input = kind === 'retry' ? 'retryAt' : 'unreadableUntil'
      expect(this.machine[input](held, this.now + inMs)).toBe(held.state === 'waiting')
    }
    // The log never reorders a key.
    if (kind === 'delivered again' && held.key === undefined) {
      this.#deliver(this.unsettled.filter(({ messageId }) => messageId === held.messageId))
    }
  }

  #append(keys: readonly (string | undefined)[]): void {
    for (const key of keys) this.unsettled.push({ messageId: `${++this.#count}-0`, key, attempt: 0 })
    this.#deliver(this.unsettled.slice(this.unsettled.length - keys.length))
  }

  /** A key is lost, and comes back, as a whole, as its partition is. */
  #lose(held: Held): void {
    const together = held.key === undefined ? [held] : [...this.machine].filter(({ key }) => key === held.key)
    for (const one of together) this.machine.lost(one, new Error('lost'))
    expect(this.machine.get(held.messageId)).toBeUndefined()
    if (held.key !== undefined) this.#deliver(this.unsettled.filter(({ key }) => key === held.key))
  }

  /** Another process takes all over, in log order. */
  #crash(): void {
    for (const held of [...this.machine]) this.machine.lost(held, new Error('crashed'))
    this.machine = new InFlight(LIMITS)
    this.running = new Set()
    this.#isPaused = false
    this.take({ kind: 'certain' })
    this.#deliver(this.unsettled)
  }

  start(): Held | undefined {
    const held = this.machine.start(this.now)
    if (held === undefined) return undefined
    expect(this.machine.get(held.messageId), 'it is still in flight').toBe(held)
    expect(this.#isPaused || !this.#isCertain, 'nothing starts while paused or in doubt').toBe(false)
    this.running.add(held)
    expect(this.running.size).toBeLessThanOrEqual(LIMITS.concurrency)
    const ofKey = held.key === undefined ? [] : this.unsettled.filter(({ key }) => key === held.key)
    const before = ofKey.slice(
      0,
      ofKey.findIndex(({ messageId }) => messageId === held.messageId)
    )
    const undone = before.filter(({ messageId }) => !this.#isDone(messageId))
    expect(undone, 'those before it in its key are done').toEqual([])
    const others = [...this.running].filter((one) => one !== held && one.key === held.key)
    if (held.key !== undefined) expect(others, 'one of a key runs at a time').toEqual([])
    return held
  }

  end(held: Held): void {
    this.running.delete(held)
    this.machine.readable(held)
    const isOurs = held.state !== 'gone'
    expect(this.machine.ended(held)).toBe(isOurs)
  }

  settle(held: Held): void {
    expect(this.settled.has(held.messageId), 'it is settled once').toBe(false)
    this.settled.add(held.messageId)
    this.unsettled.splice(
      this.unsettled.findIndex(({ messageId }) => messageId === held.messageId),
      1
    )
    this.machine.settled([held])
    expect(this.machine.get(held.messageId)).toBeUndefined()
  }

  /** Evicted data are read again from the log before the handlers run. */
  read(held: Held): void {
    if (held.content === undefined)
      this.machine.reread(held, { ...held.delivery, payload: 'x'.repeat(20) }, { event, key: held.key })
  }

  /** All goes well until it is over, which it is in the end. */
  drain(isOver: () => boolean): void {
    for (let round = 0; !isOver(); round++) {
      expect(round, 'it goes on').toBeLessThan(1_000)
      for (let held = this.start(); held !== undefined; held = this.start()) this.read(held)
      for (const held of [...this.running]) this.end(held)
      for (const held of [...this.machine].filter(({ state }) => state === 'ended')) this.settle(held)
      this.take({ kind: 'time passes', ms: 50 })
      this.check()
    }
  }

  /** The promises that hold at each moment. */
  check(): void {
    const all = [...this.machine]
    expect(this.machine.size).toBe(all.length)
    expect(this.machine.running).toBe(this.running.size)
    expect(all.map(({ state }) => state)).not.toContain('gone')
    const bytes = all.reduce((sum, held) => sum + held.bytes, 0)
    if (bytes >= LIMITS.prefetchBytes || this.#isPaused) expect(this.machine.room).toBe(0)
    expect(this.machine.room).toBeLessThanOrEqual(LIMITS.prefetch + LIMITS.concurrency)
  }

  #isDone(messageId: string): boolean {
    return this.machine.get(messageId)?.state === 'ended'
  }

  #deliver(these: readonly { messageId: string; key: string | undefined; attempt: number }[]): void {
    for (const one of these) one.attempt++
    this.machine.delivered(
      these.map(
        ({ messageId, key, attempt }) =>
          new Held({ messageId, appendedAt: 0, payload: 'x'.repeat(20), attempt }, { event, key })
      )
    )
  }
}

test('whatever comes, at most so many run, of a key one at a time and in order, nothing of it twice; and when all goes well, all is settled', () => {
  fc.assert(
    fc.property(inputs, (taken) => {
      const consumer = new Consumer()
      for (const input of taken) {
        consumer.take(input)
        consumer.check()
      }
      consumer.take({ kind: 'resume' })
      consumer.take({ kind: 'certain' })
      consumer.drain(() => consumer.machine.size === 0)
      expect(consumer.machine.room).toBe(LIMITS.prefetch + LIMITS.concurrency)
      // Those that were lost come again, as another process would get them.
      consumer.take({ kind: 'crash' })
      consumer.drain(() => consumer.unsettled.length === 0)
      expect(consumer.machine.size).toBe(0)
      expect(consumer.machine.room).toBe(LIMITS.prefetch + LIMITS.concurrency)
    }),
    { numRuns: 1_000 }
  )
})

function heldOf(number: number, key?: string): Held {
  return new Held({ messageId: `${number}-0`, appendedAt: 0, payload: 'x'.repeat(20), attempt: 1 }, { event, key })
}

function machineWith(count: number, key?: string): { machine: InFlight; held: readonly Held[] } {
  const machine = new InFlight(LIMITS)
  machine.certain(100)
  const held = Array.from({ length: count }, (_, i) => heldOf(i + 1, key))
  machine.delivered(held)
  return { machine, held }
}

test('settled and lost deliveries give back the bytes that they took', () => {
  for (const end of ['settled', 'lost'] as const) {
    const { machine } = machineWith(0)
    for (let round = 0; round * 20 < 2 * LIMITS.prefetchBytes; round++) {
      const held = heldOf(round)
      machine.delivered([held])
      if (end === 'lost') machine.lost(held, new Error('lost'))
      else {
        machine.start(0)
        machine.ended(held)
        machine.settled([held])
      }
    }
    expect(machine.room, end).toBe(LIMITS.prefetch + LIMITS.concurrency)
  }
})

test('nothing starts once the time is over up to which the deliveries are certain', () => {
  const { machine } = machineWith(2)
  expect(machine.start(99)?.messageId).toBe('1-0')
  expect({ started: machine.start(100), lacks: machine.lacksCertainty(100) }).toEqual({
    started: undefined,
    lacks: true
  })
  machine.certain(200)
  expect(machine.lacksCertainty(100)).toBe(false)
  expect(machine.start(100)?.messageId).toBe('2-0')
})

test('an answer to a question that was asked before a doubt does not resolve it', () => {
  const { machine } = machineWith(1)
  const { doubts } = machine
  machine.doubt()
  machine.certain(200, doubts)
  expect({ isInDoubt: machine.isInDoubt, started: machine.start(0) }).toEqual({ isInDoubt: true, started: undefined })
  machine.certain(200, machine.doubts)
  expect(machine.start(0)?.messageId).toBe('1-0')
})

test('a delivery whose key is missing keeps others from coming, until it can be read or is lost', () => {
  for (const end of ['readable', 'lost'] as const) {
    const { machine, held } = machineWith(1)
    const [one] = held as [Held]
    machine.start(0)
    machine.unreadableUntil(one, 50)
    expect(machine.room).toBe(0)
    if (end === 'lost') machine.lost(one, new Error('lost'))
    else machine.readable(one)
    expect(machine.room).toBeGreaterThan(0)
  }
})

test('those that wait behind a retry are evicted when they are more than the prefetch, and take up no room', () => {
  const { machine, held } = machineWith(12, 'AAPL')
  expect(machine.room).toBe(0)
  machine.retryAt(machine.start(0) as Held, 50)
  expect(held.map(({ content }) => content)).toEqual(new Array(12).fill(undefined))
  expect(machine.room).toBe(LIMITS.prefetch + LIMITS.concurrency)
})

test('a lost delivery says so to its handlers, and nothing of what they do counts', () => {
  const { machine, held } = machineWith(1)
  const [one] = held as [Held]
  machine.start(0)
  const { signal } = one
  machine.lost(one, new Error('another has it'))
  expect(signal.reason).toEqual(new Error('another has it'))
  expect(machine.ended(one)).toBe(false)
  expect(machine.running).toBe(0)
})
