import { EnvironmentReader } from '@tradpal/event-system'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type PageRequest, PageRules, readPages } from './page-rules.ts'

function pages(environment: Record<string, string> = {}) {
  const read = new EnvironmentReader(environment)
  const configuration = readPages(environment, read)
  read.finish()
  return configuration
}

const rules = new PageRules(pages(), { speaksTls: false })

function request(parts: Partial<PageRequest>): PageRequest {
  return { method: 'GET', authority: 'localhost:8011', origin: undefined, fetchSite: undefined, ...parts }
}

describe('a host that a stranger cannot point at the service is answered', () => {
  test.each([
    '127.0.0.1',
    '127.0.0.1:8011',
    '192.168.1.20:8011',
    '8.8.8.8',
    '[::1]:8011',
    '[fd12::1]',
    '[::FFFF:127.0.0.1]:80',
    '[fe80::1%25eth0]:8011',
    'localhost',
    'LOCALHOST:8011',
    'localhost.:8011',
    'console.localhost:8011',
    'event-service:8011',
    'event_service',
    'events.internal',
    'Events.Corp.INTERNAL.:443',
    'event-service.tradpal.svc:8011',
    'event-service.tradpal.svc.cluster.local:8011',
    'localhost:',
    ''
  ])('%j', (authority) => {
    expect(rules.refusalOf(request({ authority }))).toBeUndefined()
  })

  test('and so is a request without one', () => {
    expect(rules.refusalOf(request({ authority: undefined }))).toBeUndefined()
  })
})

describe('a host that may be a name of anybody is refused, with the variable that allows it', () => {
  test.each([
    'evil.example',
    'evil.example:8011',
    'evil.example.',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'internal.evil.example',
    'evillocalhost.example',
    'notinternal.example',
    'events.svc.example',
    '127.0.0.1.nip.io:8011',
    '127.0.0.1..',
    '.localhost',
    '..internal',
    '[::1',
    '[evil.example]',
    '[]',
    'evil.example#.localhost',
    'evil.example@localhost',
    'evil.example/localhost',
    'localhost evil.example',
    'localhost:8011:8011',
    'localhost:http',
    'locälhost'
  ])('%j', (authority) => {
    expect(rules.refusalOf(request({ authority }))).toMatch(/does not answer to the host .*EVENT_ALLOWED_HOSTS/)
  })

  test('which is quoted in part where it is long', () => {
    const refusal = rules.refusalOf(request({ authority: `${'a.'.repeat(8_000)}example` }))
    expect(refusal?.length).toBeLessThan(500)
  })
})

describe('EVENT_ALLOWED_HOSTS', () => {
  const allowing = new PageRules(pages({ EVENT_ALLOWED_HOSTS: ' Events.Example.com., *.desk.example ,, 10.0.0.7' }), {
    speaksTls: false
  })
  test.each([
    ['events.example.com', true],
    ['EVENTS.example.com.:8443', true],
    ['a.desk.example', true],
    ['a.b.desk.example:80', true],
    ['desk.example', false],
    ['adesk.example', false],
    ['example.com', false],
    ['a.events.example.com', false],
    ['*.desk.example', false]
  ])('of %s the answer is %s', (authority, isAllowed) => {
    expect(allowing.refusalOf(request({ authority })) === undefined).toBe(isAllowed)
  })

  test.each(['https://events.example.com', 'events.example.com:8011', '*', '*.', 'a.*.example', '[::1]', 'a b'])(
    'refuses %s with a sentence',
    (entry) => {
      expect(() => pages({ EVENT_ALLOWED_HOSTS: `localhost,${entry}` })).toThrow(
        `EVENT_ALLOWED_HOSTS must list host names by commas, without a scheme and a port, such as events.example.com or *.example.com; got ${JSON.stringify(entry)}.`
      )
    }
  )
})

describe('an origin is answered when the page is of the service', () => {
  test.each<[origin: string, authority: string, isOwn: boolean]>([
    ['http://localhost:8011', 'localhost:8011', true],
    ['http://127.0.0.1:8011', '127.0.0.1:8011', true],
    ['http://[::1]:8011', '[::1]:8011', true],
    ['http://localhost', 'localhost', true],
    ['http://localhost', 'localhost:80', true],
    // TLS may end in a proxy.
    ['https://events.internal', 'events.internal', true],
    ['https://events.internal', 'events.internal:443', true],
    ['https://events.internal:8443', 'events.internal:8443', true],
    ['http://localhost:8012', 'localhost:8011', false],
    ['http://localhost', 'localhost:8011', false],
    ['http://127.0.0.1:8011', 'localhost:8011', false],
    ['https://events.internal', 'events.internal:80', false],
    ['http://evil.example', 'localhost:8011', false],
    ['http://localhost:8011.evil.example', 'localhost:8011', false],
    ['http://evil.example:8011', 'localhost:8011', false],
    ['null', 'localhost:8011', false],
    ['null', 'null', false],
    ['', 'localhost:8011', false],
    ['', '', false],
    ['localhost:8011', 'localhost:8011', false],
    ['file://', 'localhost:8011', false],
    ['ws://localhost:8011', 'localhost:8011', false],
    ['chrome-extension://localhost', 'localhost', false],
    ['http://localhost:8011, http://localhost:8011', 'localhost:8011', false],
    ['http://evil.example@localhost:8011', 'localhost:8011', false],
    ['http://localhost:8011/', 'localhost:8011', false]
  ])('%j for %s: %s', (origin, authority, isOwn) => {
    for (const method of ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE', 'OPTIONS']) {
      const refusal = rules.refusalOf(request({ method, origin, authority }))
      if (isOwn) expect(refusal).toBeUndefined()
      else expect(refusal).toMatch(/web page of the origin .*EVENT_ALLOWED_ORIGINS/)
    }
  })

  test('and to a request without a host no page is', () => {
    expect(rules.refusalOf(request({ origin: 'http://localhost', authority: undefined }))).toMatch(/origin/)
  })

  test('and where the service speaks TLS itself, none that came without it', () => {
    const secure = new PageRules(pages(), { speaksTls: true })
    const authority = 'events.internal'
    expect(secure.refusalOf(request({ authority, origin: 'https://events.internal' }))).toBeUndefined()
    expect(secure.refusalOf(request({ authority, origin: 'http://events.internal' }))).toMatch(/origin/)
  })
})

describe('Sec-Fetch-Site', () => {
  test.each<[method: string, fetchSite: string, isTaken: boolean]>([
    ['POST', 'same-origin', true],
    ['POST', 'none', true],
    ['POST', 'same-site', false],
    ['POST', 'cross-site', false],
    ['POST', '', false],
    ['PATCH', 'cross-site', false],
    ['DELETE', 'cross-site', false],
    ['OPTIONS', 'same-site', false],
    // The browser navigates, or shows an image: nobody's page can read the answer.
    ['GET', 'cross-site', true],
    ['HEAD', 'same-site', true]
  ])('of %s %j: taken %s', (method, fetchSite, isTaken) => {
    const refusal = rules.refusalOf(request({ method, fetchSite }))
    if (isTaken) expect(refusal).toBeUndefined()
    else expect(refusal).toMatch(/Sec-Fetch-Site: .*EVENT_ALLOWED_ORIGINS/)
  })

  test('wins over an origin that looks like the own one', () => {
    const own = { method: 'POST', origin: 'http://localhost:8011' }
    expect(rules.refusalOf(request({ ...own, fetchSite: 'cross-site' }))).toMatch(/Sec-Fetch-Site/)
  })
})

describe('EVENT_ALLOWED_ORIGINS', () => {
  const allowing = new PageRules(
    pages({
      EVENT_ALLOWED_ORIGINS: 'https://Console.example.com, http://localhost:3000,https://a.example:443,http://[::1]:80'
    }),
    { speaksTls: false }
  )
  test.each([
    ['https://console.example.com', true],
    ['http://localhost:3000', true],
    ['https://a.example', true],
    ['http://[::1]', true],
    ['http://console.example.com', false],
    ['https://console.example.com:8443', false],
    ['https://a.console.example.com', false],
    ['http://localhost:3001', false],
    ['null', false]
  ])('of %s the answer is %s, also where the browser says that it is of another site', (origin, isAllowed) => {
    for (const method of ['GET', 'POST']) {
      const refusal = allowing.refusalOf(request({ method, origin, fetchSite: 'cross-site' }))
      expect(refusal === undefined).toBe(isAllowed)
    }
  })

  test('does not allow a host', () => {
    const parts = { authority: 'console.example.com', origin: 'https://console.example.com' }
    expect(allowing.refusalOf(request(parts))).toMatch(/EVENT_ALLOWED_HOSTS/)
  })

  test.each(['null', '*', 'console.example.com', 'https://console.example.com/', 'https://', 'https://*.example.com'])(
    'refuses %s with a sentence',
    (entry) => {
      expect(() => pages({ EVENT_ALLOWED_ORIGINS: entry })).toThrow(
        `EVENT_ALLOWED_ORIGINS must list origins by commas, each a scheme and a host, such as https://console.example.com; got ${JSON.stringify(entry)}.`
      )
    }
  )
})

test('no name that anybody can register is answered, whatever stands before it', () => {
  const label = fc.stringMatching(/^[a-z0-9_-]{1,20}$/)
  fc.assert(
    fc.property(fc.array(label, { maxLength: 5 }), fc.constantFrom('com', 'example', 'io', 'local'), (labels, top) => {
      const authority = [...labels, 'evil', top].join('.')
      expect(rules.refusalOf(request({ authority }))).toBeDefined()
    })
  )
})

test('a header of any text is answered or refused, and nothing is thrown', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), (authority, origin, fetchSite) => {
      const refusal = rules.refusalOf({ method: 'POST', authority, origin, fetchSite })
      expect(['string', 'undefined']).toContain(typeof refusal)
    })
  )
})
