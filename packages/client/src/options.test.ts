import { describe, expect, it } from 'vitest'
import { type EventClientOptions, resolveClientOptions } from './options.ts'

describe('resolveClientOptions', () => {
  it('has a default for everything', () => {
    expect(resolveClientOptions()).toMatchObject({
      url: 'http://localhost:8011',
      timeoutMs: 10_000,
      retries: 3,
      backoff: { initialMs: 100, maxMs: 5_000 },
      deduplicationWindowMs: 120_000,
      headers: {}
    })
  })

  it('keeps the path of a service that is behind one, without the slash at its end', () => {
    expect(resolveClientOptions({ url: 'https://platform.example/events-api/' }).url).toBe(
      'https://platform.example/events-api'
    )
  })

  const wrong: [string, EventClientOptions][] = [
    ['url', { url: 'localhost' }],
    ['url', { url: 'ftp://localhost' }],
    ['url', { url: '/api' }],
    ['url', { url: 'http://name:secret@localhost' }],
    ['url', { url: 'http://localhost?x=1' }],
    ['timeoutMs', { timeoutMs: 0 }],
    ['timeoutMs', { timeoutMs: Number.POSITIVE_INFINITY }],
    ['timeoutMs', { timeoutMs: 2 ** 31 }],
    ['retries', { retries: -1 }],
    ['retries', { retries: 1.5 }],
    ['backoff.initialMs', { backoff: { initialMs: -1 } }],
    ['backoff.initialMs', { backoff: { initialMs: 10, maxMs: 5 } }],
    ['backoff.initialMs', { backoff: { initialMs: 6_000 } }],
    ['deduplicationWindowMs', { deduplicationWindowMs: Number.NaN }],
    ['headers', { headers: { 'a b': 'c' } }],
    ['headers', { headers: { authorization: 'secret\n' + 'x' } }],
    ['fetch', { fetch: 'fetch' as unknown as typeof fetch }]
  ]
  it.each(wrong)('refuses a wrong %s by name: %j', (name, options) => {
    expect(() => resolveClientOptions(options)).toThrow(
      expect.objectContaining({ code: 'invalid_options', message: expect.stringContaining(name) })
    )
  })

  it('tells no secret', () => {
    for (const options of [{ url: 'http://name:secret@localhost' }, { headers: { authorization: 'secret\nx' } }]) {
      expect(() => resolveClientOptions(options)).toThrow(
        expect.not.objectContaining({ message: expect.stringContaining('secret') })
      )
    }
  })
})
