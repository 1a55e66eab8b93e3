import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { assertScope, Scopes } from './scopes.ts'

const names = fc.stringMatching(/^[a-z][a-z0-9_-]{0,12}$/)
const verbs = fc.constantFrom('publish', 'read', 'consume')

describe('a scope', () => {
  test.each([
    '*',
    'publish:trading_signal',
    'read:*',
    'read:market_*',
    'consume:brokers',
    'replay',
    'admin:*',
    'admin:dead-letters',
    'consume:größe',
    'stream:order-',
    'stream:*'
  ])('may be %s', (scope) => expect(() => assertScope(scope)).not.toThrow())

  test.each([
    ['write:trading_signal', /There is no scope "write:trading_signal"; there are publish:<event type>/],
    ['publish', /lacks what it is for, as publish:\* has/],
    ['publish:', /lacks what it is for/],
    ['stream', /lacks what it is for, as stream:\* has/],
    ['stream:order 7', /has blanks in it/],
    ['replay:all', /says too much: it is replay alone/],
    ['publish:*_signal', /a \* stands elsewhere than at its end/],
    ['admin:everything', /behind admin: stands one of groups, dead-letters/],
    ['read:a b', /has blanks in it/],
    ['constructor', /There is no scope/],
    ['', /There is no scope ""/],
    [7, /must be a text, got 7/]
  ])('cannot be %s', (scope, message) => expect(() => assertScope(scope)).toThrow(message))
})

describe('scopes', () => {
  test('allow what they name, and what begins as one with a * says', () => {
    const scopes = new Scopes(['publish:trading_signal', 'read:market_*', 'admin:*'])
    expect(scopes.allow('publish:trading_signal')).toBe(true)
    expect(scopes.allow('publish:trading_signal_2')).toBe(false)
    expect(scopes.allow('read:market_data_update')).toBe(true)
    expect(scopes.allow('read:trading_signal')).toBe(false)
    expect(scopes.allow('admin:keys')).toBe(true)
    expect(scopes.allow('replay')).toBe(false)
    expect(scopes.allowSome('publish')).toBe(true)
    expect(scopes.allowSome('consume')).toBe(false)
    expect(scopes.allowAll('read')).toBe(false)
    expect(new Scopes(['read:*']).allowAll('read')).toBe(true)
    expect(new Scopes(['*']).allowAll('publish')).toBe(true)
    expect(scopes.grantOf('read:market_data_update')).toBe('read:market_*')
  })

  test('of stream keys allow what begins as they say, with a * or without, and grant no more', () => {
    fc.assert(
      fc.property(names, names, fc.boolean(), (prefix, key, hasStar) => {
        const scopes = new Scopes([`stream:${prefix}${hasStar ? '*' : ''}`])
        expect(scopes.allow(`stream:${key}`)).toBe(key.startsWith(prefix))
        expect(scopes.allow(`stream:${prefix}${key}`)).toBe(true)
        expect(scopes.allow(`publish:${prefix}`)).toBe(false)
        expect(scopes.grantOf(`stream:${key}*`) !== undefined).toBe(key.startsWith(prefix))
        expect(scopes.grantOf(`stream:${prefix}`)).toBe(scopes.list[0])
        expect(scopes.grantOf('stream:*')).toBeUndefined()
      })
    )
    expect(new Scopes(['publish:*']).allow('stream:a')).toBe(false)
    expect(new Scopes(['stream:*']).allow('stream:a')).toBe(true)
    expect(new Scopes(['stream:a']).allowAll('stream')).toBe(false)
  })

  test('without any allow nothing, and with * everything', () => {
    fc.assert(
      fc.property(verbs, names, (verb, name) => {
        expect(new Scopes([]).allow(`${verb}:${name}`)).toBe(false)
        expect(new Scopes(['*']).allow(`${verb}:${name}`)).toBe(true)
      })
    )
  })

  test('never allow for one verb what was given for another', () => {
    fc.assert(
      fc.property(verbs, verbs, names, names, (given, asked, name, other) => {
        const scopes = new Scopes([`${given}:${name}*`])
        expect(scopes.allow(`${asked}:${other}`)).toBe(given === asked && other.startsWith(name))
      })
    )
  })
})
