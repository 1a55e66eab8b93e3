import type { Event, JsonObject } from '@tradpal/events'
import { onTestFinished } from 'vitest'
import { Encryption } from '../../src/codec/index.ts'
import { OnceSteps } from '../../src/consume/once-steps.ts'
import { EventSystem, type EventSystemOptions, silentLogger } from '../../src/index.ts'
import type { Storage } from '../../src/log/index.ts'
import type { LogUnderTest } from '../support/each-log.ts'
import { signal } from '../support/events.ts'
import { systemOptionsFor } from '../support/log-place.ts'
import { keysFile } from './keys-in-file.ts'

/** A system over the log under test, open until the test is over. */
export async function systemOver({ place }: LogUnderTest, options: EventSystemOptions): Promise<EventSystem> {
  const where = systemOptionsFor(place)
  const system = new EventSystem({ environment: {}, ...(options.storage === undefined && where), ...options })
  await system.initialize()
  onTestFinished(async () => void (await system.close()))
  return system
}

/** The customer of an event, by the property that says so. */
export function customerOf({ data }: Event): string | undefined {
  return (data as { customer?: string }).customer
}

/** A signal of a customer; its number is its price. */
export function signalOf(customer: string, price = 1): Event {
  const event = signal('AAPL', price)
  return { ...event, data: { ...(event.data as JsonObject), customer } }
}

export function prices(events: readonly Event[]): unknown[] {
  return events.map(({ data }) => data.price)
}

/** The steps of the group `g`, read with the key `a` past any consumer. */
export function stepsOver(storage: Storage): OnceSteps {
  const options = { metadata: false, required: false, keyFor: customerOf }
  const encryption = new Encryption({ keysFile: keysFile('a'), ...options, logger: silentLogger })
  encryption.keepKeysIn(storage)
  return new OnceSteps({ storage, group: 'g', keepMs: 86_400_000, vault: encryption.vault })
}
