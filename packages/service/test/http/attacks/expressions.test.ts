import { decodeEvents, parseJson, silentLogger, systemClock } from '@tradpal/event-system'
import { ANYBODY, assertScope } from '@tradpal/event-system/access'
import { expect, test } from 'vitest'
import { cpuTimeMs } from '../../../../../test/support/cpu-time.ts'
import { forwardedAddresses, networkOf } from '../../../src/access/addresses.ts'
import { Access } from '../../../src/access/index.ts'
import { instantOf } from '../../../src/http/range.ts'
import { publishOptions } from '../../../src/http/receipts.ts'

const access = await Access.open({
  configuration: { auth: 'required', policyFile: undefined, jwt: undefined, tls: undefined, metricsPublic: false },
  // Nothing here has the form of a key, and so nobody asks for one.
  documents: {} as never,
  clock: systemClock,
  logger: silentLogger,
  failuresPerMinute: 0,
  onTooManyFailures() {}
})

const show = (authorization: string) =>
  access.principalOf({ authorization, apiKey: undefined, address: '10.0.0.1', certificate: undefined })

const prefer = (preferences: string) => publishOptions({ headers: { prefer: preferences }, principal: ANYBODY })

/** What is tried, with a text of about `n` characters. */
const CASES: Readonly<Record<string, (n: number) => unknown>> = {
  'digits without end': (n) => parseJson(`[${'1'.repeat(n)}]`),
  'integers of 4,300 digits': (n) => parseJson(`[${`${'1'.repeat(4_300)},`.repeat(n / 4_300)}1]`),
  'a one and zeros': (n) => parseJson(`[1${'0'.repeat(n)}]`),
  'a small fraction': (n) => parseJson(`[0.${'0'.repeat(n)}1]`),
  'an exponent': (n) => parseJson(`[1e${'0'.repeat(n)}1]`),
  'short numbers': (n) => parseJson(`[${'1.1,'.repeat(n / 4)}1e1]`),
  'the longest numbers that survive': (n) => parseJson(`[${`1.5${'0'.repeat(1_000)},`.repeat(n / 1_000)}1]`),
  'numbers with zeros inside': (n) => parseJson(`[${`0.5${'0'.repeat(98)}1,`.repeat(n / 100)}1]`),
  'what looks like numbers in a text': (n) => parseJson(`["${' 1'.repeat(n / 2)} 12345678901234567"]`),
  'texts of escapes before a number': (n) => parseJson(`["${'\\"'.repeat(n / 2)}", 9007199254740993]`),
  'points and digits in a text': (n) => parseJson(`[" ${'1.'.repeat(n / 2)}"]`),
  'a number at the bottom': (n) => parseJson(`${'['.repeat(n / 2)}9007199254740993${']'.repeat(n / 2)}`),
  'blanks before a batch': (n) => decodeEvents(' '.repeat(n)),
  'lines of nothing': (n) => decodeEvents('\n'.repeat(n)),
  'an unknown type': (n) => decodeEvents(`[{"event_type":"${'t'.repeat(n)}"}]`),
  'a timestamp of fractions': (n) => instantOf('start_time', `2026-01-01T00:00:00.${'0'.repeat(n)}`),
  'a timestamp of blanks': (n) => instantOf('start_time', `2026-01-01T00:00:00${' '.repeat(n)}`),
  'preferences of blanks': (n) => prefer(`${' '.repeat(n)}respond-async${' '.repeat(n)}x`),
  'preferences of commas': (n) => prefer(' ,'.repeat(n / 2)),
  'a forwarded header of quotes': (n) => forwardedAddresses({ forwarded: 'for="'.repeat(n / 5) }),
  'a forwarded header of names': (n) => forwardedAddresses({ forwarded: 'for='.repeat(n / 4) }),
  'addresses of brackets': (n) => forwardedAddresses({ 'x-forwarded-for': '['.repeat(n) }),
  'addresses of points': (n) => forwardedAddresses({ 'x-forwarded-for': '1.'.repeat(n / 2) }),
  'an address of colons': (n) => networkOf(':'.repeat(n)),
  'a scope of stars': (n) => assertScope(`publish:${'*'.repeat(n)}`),
  'a scope of colons': (n) => assertScope(':'.repeat(n)),
  'a bearer of blanks': (n) => show(`Bearer${' '.repeat(n)}é`),
  'a bearer that begins like a key': (n) => show(`Bearer tradpal_${'a'.repeat(n)}`)
}

test.each(Object.entries(CASES))('%s: ten times the text takes about ten times as long', async (_what, attempt) => {
  const small = await msOf(() => attempt(20_000))
  const large = await msOf(() => attempt(200_000))

  // Quadratic, it would be 100 times; below a millisecond a clock tells little.
  expect(large / Math.max(small, 1)).toBeLessThan(40)
})

/** The least processor time of three that a call takes, whether or not it refuses its argument. */
async function msOf(call: () => unknown): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < 3; i++) {
    const startedAt = cpuTimeMs()
    await Promise.resolve()
      .then(call)
      .catch(() => {})
    times.push(cpuTimeMs() - startedAt)
  }
  return Math.min(...times)
}
