import { expect, test } from 'vitest'
import { EventPuller } from '../../src/consume/index.ts'
import { SqliteStorage } from '../../src/log/sqlite/index.ts'

/** As plain JavaScript calls it: the compiler refuses each of these. */
// biome-ignore lint/suspicious/noExplicitAny: it is the point of the test
type Loose = any

const settling = (['acknowledge', 'extend', 'nack'] as const).flatMap((call) => [
  [call, [null, []], 'The name of a group must be 1 to 200 characters'],
  [call, ['g', null], 'Delivery ids come in a list, got null.'],
  [call, ['g', 'id'], 'Delivery ids come in a list, got "id".'],
  [call, ['g', [null]], 'null is no delivery id: give one as pulled.'],
  [call, ['g', [5]], '5 is no delivery id: give one as pulled.'],
  [call, ['g', [{}]], '{} is no delivery id: give one as pulled.'],
  [call, ['g', [], { principal: 5 }], 'principal must be a text, got 5.'],
  [call, ['g', [], { permit: 'all' }], 'permit must be a function, got "all".']
])

test.each<[call: string, args: readonly unknown[], told: string]>([
  ...(settling as [string, unknown[], string][]),
  ['nack', ['g', [], { reason: 5 }], 'reason must be a text, got 5.'],
  ['nack', ['g', [], { reason: 'no', reject: 1 }], 'reject must be true or false, got 1.'],
  ['pull', [{ group: {} }], 'The name of a group must be 1 to 200 characters'],
  ['pull', [{ group: 'g', eventTypes: 'risk_alert' }], 'eventTypes must be a list of event types, got string.'],
  ['pull', [{ group: 'g', principal: {} }], 'principal must be a text, got {}.'],
  ['pull', [{ group: 'g', signal: 5 }], 'signal must be an AbortSignal, got 5.'],
  ['pull', [{ group: 'g', max: Symbol('ten') }], 'max must be a whole number from 1 to 1000, got Symbol(ten).']
])('%s() refuses %j before it asks the log', async (call, args, told) => {
  const puller: Loose = new EventPuller({ storage: new SqliteStorage({ path: '/nowhere/events.db' }) })
  await expect(puller[call](...args)).rejects.toMatchObject({
    code: 'invalid_argument',
    message: expect.stringContaining(told)
  })
})
