import { describe, expect, test } from 'vitest'
import { showing } from '../../../../test/support/certificates.ts'
import { keyHeaders } from '../http/access/support.ts'
import { signal } from '../http/support/test-service.ts'
import { http2Client } from './support/http2-client.ts'
import { ask, ofHouse, serviceOf } from './support/secure-service.ts'

const house = ofHouse()

/** A browser shows the certificate of its user for whatever page asks. */
async function browser() {
  return { ca: house.ca, ...showing(await house.authority.issue('ml_service')), agent: false as const }
}

/** The certificate lets publish it. */
const ORDER = { ...signal(), source: 'ml_service' }

const OF_A_PAGE = [
  { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
  { origin: 'null' },
  { 'sec-fetch-site': 'same-site' }
] as const

describe('a caller who is known by a client certificate alone', () => {
  test('is refused as a page of elsewhere, by HTTP/1.1 and by HTTP/2', async () => {
    const { url } = await serviceOf(house)
    const shown = await browser()
    const http2 = http2Client(url, shown)
    for (const headers of OF_A_PAGE) {
      const answer = await ask(`${url}/events`, { ...shown, headers }, ORDER)
      expect(answer).toMatchObject({ status: 403, body: { code: 'forbidden' } })
      const answer2 = await http2.ask('POST', '/events', { headers, body: JSON.stringify(ORDER) })
      for (const text of [answer.body.detail, answer2.text]) expect(text).toContain('EVENT_ALLOWED_ORIGINS')
    }
    expect((await ask(`${url}/events`, shown)).body.count).toBe(0)
  })

  test('is refused under a name that may be pointed here, by Host and by :authority', async () => {
    const { url } = await serviceOf(house)
    const shown = await browser()
    // A browser would find that the certificate of the service has another name. A user may have told it to go on.
    const anyName = { checkServerIdentity: () => undefined }
    const byHost = await ask(`${url}/events`, { ...shown, ...anyName, headers: { host: 'evil.example' } })
    const byAuthority = await http2Client(url, shown).ask('GET', '/events', {
      headers: { ':authority': 'evil.example' }
    })
    for (const text of [byHost.body.detail, byAuthority.text])
      expect(text).toMatch(/evil\.example.*EVENT_ALLOWED_HOSTS/)
  })

  test('is answered as a page of the service, which came by TLS, and as a program', async () => {
    const { url } = await serviceOf(house)
    const shown = await browser()
    const own = { origin: url, 'sec-fetch-site': 'same-origin' }
    expect((await ask(`${url}/events`, { ...shown, headers: own }, ORDER)).status).toBe(200)
    expect((await ask(`${url}/events`, shown)).status).toBe(200)
    expect((await http2Client(url, shown).ask('GET', '/events', { headers: own })).status).toBe(200)
    const plain = { origin: url.replace('https:', 'http:') }
    expect((await ask(`${url}/events`, { ...shown, headers: plain })).body.detail).toMatch(/EVENT_ALLOWED_ORIGINS/)
  })

  test('is not who shows an API key beside it', async () => {
    const service = await serviceOf(house)
    const shown = await browser()
    const key = await keyHeaders(service, 'desk', ['read:*'])
    for (const headers of OF_A_PAGE) {
      expect((await ask(`${service.url}/events`, { ...shown, headers: { ...headers, ...key } })).status).toBe(200)
    }
  })

  test('may be a page of EVENT_ALLOWED_ORIGINS, whose browser shows the certificate then', async () => {
    const { url } = await serviceOf(house, { EVENT_ALLOWED_ORIGINS: 'https://console.example.com' })
    const headers = { origin: 'https://console.example.com', 'sec-fetch-site': 'cross-site' }
    const answer = await ask(`${url}/events`, { ...(await browser()), headers }, ORDER)
    expect(answer).toMatchObject({ status: 200, headers: { 'access-control-allow-credentials': 'true' } })
  })
})
