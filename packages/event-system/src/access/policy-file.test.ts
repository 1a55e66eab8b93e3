import { describe, expect, test } from 'vitest'
import { parsePolicy } from './policy-file.ts'

const policy = parsePolicy(
  JSON.stringify({
    roles: { analyst: ['read:*', 'replay'], trader: ['publish:order_*'] },
    principals: {
      ml_service: { roles: ['analyst'], scopes: ['publish:ml_prediction'], sources: ['ml_service', 'ml_batch'] },
      'desk_*': { roles: ['trader'] },
      desk_london: { scopes: ['admin:groups'] }
    }
  })
)

describe('a policy', () => {
  test('gives a name its scopes, those of its roles, and its sources', () => {
    expect(policy.grantOf('ml_service')).toEqual({
      scopes: ['publish:ml_prediction', 'read:*', 'replay'],
      sources: ['ml_service', 'ml_batch']
    })
    expect(policy.grantOf('nobody')).toEqual({ scopes: [], sources: undefined })
  })

  test('adds up what several entries say of a name', () => {
    expect(policy.grantOf('desk_london').scopes).toEqual(['publish:order_*', 'admin:groups'])
    expect(policy.grantOf('desk_paris').scopes).toEqual(['publish:order_*'])
  })

  test('gives roles that a credential brings, and nothing for those that it does not know', () => {
    expect(policy.grantOf('someone', ['trader', 'constructor', 'toString']).scopes).toEqual(['publish:order_*'])
  })

  test('says by what it gives a scope', () => {
    expect(policy.reasonOf('desk_paris', 'publish:order_executed')).toEqual({
      scope: 'publish:order_*',
      principal: 'desk_*',
      role: 'trader'
    })
    expect(policy.reasonOf('desk_london', 'admin:groups')).toEqual({ scope: 'admin:groups', principal: 'desk_london' })
    expect(policy.reasonOf('desk_paris', 'admin:groups')).toBeUndefined()
  })

  test.each([
    ['{', /not JSON/],
    ['[]', /must be object/],
    ['{"role": {}}', /has "role", which a policy does not have there/],
    ['{"principals": {"a": {"scope": []}}}', /\/principals\/a has "scope", which a policy does not have there/],
    ['{"principals": {"a": {"scopes": "read:*"}}}', /\/principals\/a\/scopes must be array/],
    ['{"principals": {"a": {"scopes": ["reed:*"]}}}', /\/principals\/a\/scopes\/0: There is no scope "reed:\*"/],
    ['{"principals": {"a": {"limits": {"requests_per_second": 0}}}}', /\/limits\/requests_per_second must be >= 1/],
    ['{"principals": {"a": {"limits": {"streams": "many"}}}}', /\/limits\/streams must be either integer or null/],
    ['{"principals": {"a": {"limits": {"events_per_day": 5}}}}', /\/a\/limits has "events_per_day"/],
    ['{"roles": {"a": {"limits": [5]}}}', /\/roles\/a\/limits must be object/],
    ['{"principals": {"a": {"roles": ["boss"]}}}', /\/principals\/a\/roles: there is no role "boss" in this file/],
    ['{"roles": {"a": ["publish"]}}', /\/roles\/a\/0: The scope "publish" lacks/],
    ['{"principals": {"a": {"sources": []}}}', /\/principals\/a\/sources must not have fewer than 1 items/]
  ])('%s is refused, and it is said where', (text, message) => {
    expect(() => parsePolicy(text)).toThrow(message)
  })

  test('with more strange names than are told at once is refused all the same', () => {
    const strange = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`name_${i}`, i]))
    expect(() => parsePolicy(JSON.stringify(strange))).toThrow(
      /^The file has "name_0", which a policy does not have there/
    )
  })

  test('with several mistakes names each on a line', () => {
    const parse = () => parsePolicy('{"roles": {"a": ["x"]}, "principals": {"b": {"roles": ["c"], "scopes": ["y"]}}}')
    expect(parse).toThrow(/^\/roles\/a\/0: .*\n\/principals\/b\/scopes\/0: .*\n\/principals\/b\/roles: .*$/)
  })
})
