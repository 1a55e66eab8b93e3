import type { BenchLog } from '../logs.ts'
import type { Comparison } from '../measure.ts'
import { guarded } from './access.ts'
import { byKey } from './by-key.ts'
import { byType } from './by-type.ts'
import { compressing } from './compression.ts'
import { consuming } from './consume.ts'
import { delivery } from './delivery.ts'
import { encrypting } from './encryption.ts'
import { flat } from './flat.ts'
import { http } from './http.ts'
import { idling } from './idle.ts'
import { instances } from './instances.ts'
import { membersByKey } from './members-by-key.ts'
import { memory } from './memory.ts'
import { mixed } from './mixed.ts'
import { outage } from './outage.ts'
import { publishing } from './publish.ts'
import { reading } from './read.ts'

/** Measures something over a log. */
export type Scenario = (log: BenchLog) => Promise<Comparison[]>

export interface NamedScenario {
  readonly name: string
  /** Of the log that it takes. */
  readonly kind: BenchLog['kind']
  readonly scenario: Scenario
  /** So many runs are enough, of one that takes long. */
  readonly runs?: number
}

const OF_EACH_LOG: Readonly<Record<string, Scenario>> = {
  publish: publishing,
  encryption: encrypting,
  compression: compressing,
  read: reading,
  consume: consuming,
  instances,
  'members-by-key': membersByKey,
  delivery,
  idle: idling,
  http,
  access: guarded,
  memory
}

/** Everything that is measured, in the order of the results. */
export const SCENARIOS: readonly NamedScenario[] = [
  ...Object.entries(OF_EACH_LOG).flatMap(([name, scenario]) =>
    (['sqlite', 'redis'] as const).map((kind) => ({ name: `${name}-${kind}`, kind, scenario }))
  ),
  { name: 'by-key-sqlite', kind: 'sqlite', scenario: byKey },
  { name: 'by-key-redis', kind: 'redis', scenario: byKey },
  { name: 'by-type-redis', kind: 'redis', scenario: byType },
  { name: 'outage-redis', kind: 'redis', scenario: outage },
  { name: 'flat-redis', kind: 'redis', scenario: flat, runs: 1 },
  { name: 'flat-mixed-sqlite', kind: 'sqlite', scenario: mixed, runs: 1 },
  { name: 'flat-mixed-redis', kind: 'redis', scenario: mixed, runs: 1 }
]
