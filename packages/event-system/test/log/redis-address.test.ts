import { inspect } from 'node:util'
import { EventSystemError } from '@tradpal/events'
import { describe, expect, test } from 'vitest'
import { parseRedisUrl } from '../../src/log/redis/address.ts'
import { RedisStorage, type RedisStorageOptions } from '../../src/log/redis/index.ts'

function refusal(options: RedisStorageOptions): EventSystemError {
  try {
    new RedisStorage(options)
  } catch (error) {
    if (error instanceof EventSystemError && error.code === 'invalid_options') return error
    throw error
  }
  return expect.fail('was to be refused')
}

describe('the URL of a Redis', () => {
  test.each([
    ['redis://h', 'redis://h', 'redis://h'],
    ['redis://h:1/2', 'redis://h:1/2', 'redis://h:1/2'],
    ['redis://h/', 'redis://h', 'redis://h'],
    ['redis://h?db=3', 'redis://h/3', 'redis://h/3'],
    ['rediss://[::1]:1', 'rediss://[::1]:1', 'rediss://[::1]:1'],
    ['redis://:pw@h', 'redis://:pw@h', 'redis://h'],
    ['redis://us:pw@h/1', 'redis://us:pw@h/1', 'redis://h/1'],
    ['redis://us:p@ss/w?rd#1:x y@h/1', 'redis://us:p%40ss%2Fw%3Frd%231%3Ax%20y@h/1', 'redis://h/1'],
    ['redis://us:p%40ss%25@h', 'redis://us:p%40ss%25@h', 'redis://h'],
    ['redis+unix:///run/r.sock', 'unix:///run/r.sock', 'redis+unix:///run/r.sock'],
    [
      'unix://us:p@ss:/?@/run/a b.sock?db=2',
      'unix://us:p%40ss%3A%2F%3F@/run/a%20b.sock?db=2',
      'redis+unix:///run/a b.sock?db=2'
    ]
  ])('%s names one server', (url, server, location) => {
    expect(parseRedisUrl(url)).toEqual({ kind: 'server', servers: [server], location })
  })

  test('may name nodes of a cluster', () => {
    expect(parseRedisUrl('rediss+cluster://us:p@ss@a:1,b')).toEqual({
      kind: 'cluster',
      servers: ['rediss://us:p%40ss@a:1', 'rediss://us:p%40ss@b'],
      location: 'rediss+cluster://a:1,b'
    })
  })

  test('may name sentinels, which listen on 26379 unless it says otherwise, and their master', () => {
    expect(parseRedisUrl('redis+sentinel://us:p@ss@a:1,b/my%20master/2')).toEqual({
      kind: 'sentinel',
      servers: ['redis://us:p%40ss@a:1/2', 'redis://us:p%40ss@b:26379/2'],
      master: 'my master',
      location: 'redis+sentinel://a:1,b/my%20master/2'
    })
  })

  test.each([
    ['', /must begin with/],
    ['h:6379', /must begin with/],
    ['http://us:secret@h', /must begin with/],
    ['redis://us:secret@', /must name a host/],
    ['redis://h:secret', /must name a host/],
    ['redis://us:secret@h:99999', /must name a host/],
    ['redis://us:secret@h#x', /must name a host/],
    ['redis://us:secret@h/x', /number of its database, such as \/1, got \/x/],
    ['redis://us:secret@h/1/2', /number of its database/],
    ['redis://us:secret@h/1?db=2', /two databases/],
    ['redis://h?password=secret', /no parameter but/],
    ['redis://us:secret@h?db=x', /no parameter but/],
    ['redis://us:secret%@h', /%25/],
    ['redis://us:secret%ff@h', /%25/],
    ['redis://us:secret@a,b', /redis\+cluster:\/\/, of sentinels/],
    ['redis+cluster://us:secret@a,b/1', /cluster has only one/],
    ['redis+cluster://us:secret@a,,b', /must name a host/],
    ['redis+sentinel://us:secret@a,b', /name of the master/],
    ['redis+sentinel://us:secret@a,b//1', /name of the master/],
    ['redis+sentinel://us:secret@a/m/x', /number of its database/],
    ['redis+unix://us:secret@', /path of a socket/],
    ['redis+unix://us:secret@h/run', /path of a socket/],
    ['redis+unix:///run/r.sock?db=secret', /no parameter but/]
  ])('%s is refused with what is wrong, and no password', (url, sentence) => {
    const error = refusal({ url })
    expect(error.message).toMatch(sentence)
    expect(inspect(error)).not.toContain('secret')
  })

  test.each<[RedisStorageOptions, RegExp]>([
    [{ url: 'redis://h', tls: { caFile: 'ca.pem' } }, /^tls is for a URL that begins with rediss/],
    [{ url: 'rediss://h', tls: { certFile: 'cert.pem' } }, /belong together/],
    [{ url: 'rediss://h', tls: { keyFile: 'key.pem' } }, /belong together/],
    [{ url: 'rediss://h', tls: { caFile: '' } }, /^tls\.caFile must be a text/],
    [{ url: 'redis://h', sentinel: { password: 'pw' } }, /^sentinel is for a URL that begins with redis\+sentinel/]
  ])('does not go with %o', (options, sentence) => {
    expect(refusal(options).message).toMatch(sentence)
  })
})
