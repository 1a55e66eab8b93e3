import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { rolldown } from 'rolldown'
import { expect, onTestFinished, test } from 'vitest'
import { startChromium } from '../../../../test/support/chromium.ts'
import { sharedInFile } from '../../../../test/support/shared-in-file.ts'
import { startPrefixProxy } from '../support/prefix-proxy.ts'
import { startWebsite } from '../support/website.ts'
import { get, post, serviceOver, signal } from './support/test-service.ts'

const TIMEOUT = { timeout: 120_000 }
const CLIENT = fileURLToPath(new URL('../../../client/src/index.ts', import.meta.url))

const theBrowser = sharedInFile(startChromium, (browser: Browser) => browser.close())

async function tabAt(url: string): Promise<Page> {
  const context = await (await theBrowser()).newContext()
  // The time of the test is the only one.
  context.setDefaultTimeout(0)
  onTestFinished(() => context.close())
  const tab = await context.newPage()
  await tab.goto(url)
  return tab
}

/** The client as one script, which makes it `tradpal`. */
async function bundledClient(): Promise<string> {
  const bundle = await rolldown({
    input: CLIENT,
    platform: 'browser',
    resolve: { conditionNames: ['tradpal-source', 'browser', 'import'] }
  })
  const { output } = await bundle.generate({ format: 'iife', name: 'tradpal' })
  await bundle.close()
  return output[0].code
}

const ORDER = JSON.stringify(signal('BTC/USDT'))

/** Publishes, reads that on a live stream, and pulls it from a group, as the script of a page. */
const USE = (service: string) => `(async () => {
  const json = { 'content-type': 'application/json' }
  const source = new EventSource('${service}/events/stream')
  await new Promise((resolve) => source.addEventListener('position', resolve, { once: true }))
  const streamed = new Promise((resolve) => source.addEventListener('trading_signal', resolve, { once: true }))
  await fetch('${service}/groups/desk/pull', { method: 'POST' })
  const published = await fetch('${service}/events', { method: 'POST', headers: json, body: ${JSON.stringify(ORDER)} })
  const { data } = await streamed
  source.close()
  const pulled = await fetch('${service}/groups/desk/pull', { method: 'POST' })
  const { message_id } = await published.json()
  return [message_id, JSON.parse(data).message_id, (await pulled.json()).deliveries[0].event.message_id]
})()`

test(
  'a page of the service itself publishes, follows the stream and consumes, under each name of the service',
  TIMEOUT,
  async () => {
    const { url } = await serviceOver()
    const { port } = new URL(url)
    for (const host of ['127.0.0.1', 'localhost', 'desk.localhost']) {
      // What it shows is small, and its policy of contents is that of the pages.
      const tab = await tabAt(`http://${host}:${port}/docs/json`)
      const ids = await tab.evaluate<string[]>(USE(''))
      const newest = (await get(`${url}/events?limit=1`)).body.events[0].message_id
      expect(ids).toEqual([newest, newest, newest])
    }
  }
)

test('EventSource.onmessage receives every event of events=unnamed', TIMEOUT, async () => {
  const { url } = await serviceOver()
  const tab = await tabAt(`${url}/docs/json`)
  const [published, received] = await tab.evaluate<string[]>(`(async () => {
    const source = new EventSource('/events/stream?events=unnamed')
    await new Promise((resolve) => source.addEventListener('position', resolve, { once: true }))
    const message = new Promise((resolve) => { source.onmessage = resolve })
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch('/events', { method: 'POST', headers, body: ${JSON.stringify(ORDER)} })
    const { data, lastEventId } = await message
    source.close()
    return [(await answer.json()).message_id, lastEventId === JSON.parse(data).message_id ? lastEventId : data]
  })()`)
  expect(received).toBe(published)
})

test('an order can be published on the page that shows the API', TIMEOUT, async () => {
  const { url } = await serviceOver()
  const tab = await tabAt(`${url}/docs`)
  const operation = tab.locator('.opblock-post', { has: tab.locator('[data-path="/events"]') })
  await operation.locator('.opblock-summary').click()
  await operation.locator('.try-out__btn').click()
  await operation.locator('.body-param__text').fill(ORDER)
  await operation.locator('.execute').click()
  const status = operation.locator('.live-responses-table .response-col_status').nth(1)
  await status.waitFor()
  expect(await status.textContent()).toContain('200')
  expect((await get(`${url}/events`)).body.events).toMatchObject([{ data: { symbol: 'BTC/USDT' } }])
})

test('the pages load and an order can be published behind a proxy that serves them under a path', TIMEOUT, async () => {
  const { url } = await serviceOver()
  const proxy = await startPrefixProxy('/trading/bus', url)
  const tab = await tabAt(`${proxy}/trading/bus/`)
  await tab.locator('a', { hasText: '/docs' }).click()
  const operation = tab.locator('.opblock-post', { has: tab.locator('[data-path="/events"]') })
  await operation.locator('.opblock-summary').click()
  await operation.locator('.try-out__btn').click()
  await operation.locator('.body-param__text').fill(ORDER)
  await operation.locator('.execute').click()
  const status = operation.locator('.live-responses-table .response-col_status').nth(1)
  await status.waitFor()
  expect(await status.textContent()).toContain('200')
  expect((await get(`${url}/events`)).body.events).toMatchObject([{ data: { symbol: 'BTC/USDT' } }])
})

test('a page that somebody follows a link from reaches the service, which a GET only reads', TIMEOUT, async () => {
  const { url } = await serviceOver()
  const { message_id: id } = (await post(`${url}/events`, signal())).body
  const website = await startWebsite(`<a href="${url}/events/${id}">The order</a>`)
  const tab = await tabAt(`http://elsewhere.example:${website}/`)
  await tab.locator('a').click()
  await tab.waitForURL(`${url}/events/${id}`)
  expect(await tab.locator('body').textContent()).toContain(id)
})

test('a page of EVENT_ALLOWED_ORIGINS uses the service as its own pages do, and by the client', TIMEOUT, async () => {
  const website = await startWebsite('<!doctype html><title>A console</title>')
  // Browsers make ids for pages of HTTPS and of this machine alone (secure contexts).
  const origin = `http://localhost:${website}`
  const { url } = await serviceOver('sqlite', { EVENT_ALLOWED_ORIGINS: origin })
  const tab = await tabAt(origin)
  const ids = await tab.evaluate<string[]>(USE(url))
  expect(new Set(ids).size).toBe(1)

  await tab.addScriptTag({ content: await bundledClient() })
  const seen = await tab.evaluate<unknown>(`(async () => {
    const client = new tradpal.EventClient({ url: '${url}' })
    const subscription = client.subscribe({ eventType: 'market_data_update' })
    await subscription.open()
    const published = await client.publishMarketData('ETH/USDT', { price: 3100 })
    const streamed = (await subscription[Symbol.asyncIterator]().next()).value.messageId
    const [queried] = await client.getEvents({ eventType: 'market_data_update' })
    const replayed = []
    for await (const { messageId } of client.streamReplay({ eventType: 'market_data_update' })) replayed.push(messageId)
    const refused = await client.getEvents({ limit: 5000 }).catch(({ code }) => code)
    await client.close()
    return { all: [streamed, queried.messageId, ...replayed].every((id) => id === published), refused }
  })()`)
  expect(seen).toEqual({ all: true, refused: 'invalid_argument' })
})
