import { EventSystemError } from '@tradpal/events'
import { expect, test } from 'vitest'
import { plainCodec } from '../codec/index.ts'
import type { Storage } from '../log/index.ts'
import { silentLogger } from '../runtime/index.ts'
import { FakeClock } from '../testing/index.ts'
import { Contents } from './content.ts'

test('what is stored may name any number of missing keys: the last 1,000 reasons are remembered', () => {
  const codec = {
    ...plainCodec,
    decode(payload: string): never {
      throw new EventSystemError('key_missing', `There is no key ${payload}.`)
    }
  }
  const storage = {} as Storage
  const contents = new Contents({ storage, codec, partitions: 1, logger: silentLogger, clock: new FakeClock() })
  for (let i = 0; i < 1_100; i++) contents.of({ messageId: `${i}-0`, appendedAt: i, payload: `key-${i}` })
  expect(contents.missed).toHaveLength(1_000)
  expect(contents.missed.at(-1)).toBe('There is no key key-1099.')
})
