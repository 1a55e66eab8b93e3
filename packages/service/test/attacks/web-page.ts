import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { bury } from '../../../../test/support/bury.ts'
import { startChromium } from '../../../../test/support/chromium.ts'
import { get, post, serviceOver, signal } from '../http/support/test-service.ts'
import { startWebsite } from '../support/website.ts'

const GROUP = 'executor'
/** It stands in the order, and so in whatever tells of it. */
const SECRET = 'SECRET/USDT'

/** Where a page comes from, and under which name it asks for the service on a port. */
const PAGES = [
  { of: 'another port', host: '127.0.0.1', asks: '127.0.0.1', isRebound: false },
  { of: 'another site', host: 'attacker.example', asks: 'localhost', isRebound: false },
  // DNS rebinding: the name led to the attacker when the page was fetched, and leads to the service by now.
  { of: 'a name that leads to the service', host: 'rebound.example', asks: 'rebound.example', isRebound: true }
] as const

/**
 * A browser on the machine of a service that nobody configured shows hostile pages. None reads an order, publishes one, or
 * takes one from its group.
 */
export async function attackByWebPages(): Promise<void> {
  const html = await readFile(join(import.meta.dirname, 'hostile-page.html'), 'utf8')
  const website = await startWebsite(html)
  const browser = await startChromium()
  onTestFinished(() => browser.close())
  for (const { of, host, asks, isRebound } of PAGES) {
    const { url, system } = await serviceOver('sqlite')
    const { port } = new URL(url)
    const { message_id: order } = (await post(`${url}/events`, signal(SECRET))).body
    const [letter] = await bury(system, 'desk')
    await system.storage.queue(GROUP).create('start')
    const before = await stateOf(url)

    const query = new URLSearchParams({ target: `http://${asks}:${port}`, group: GROUP, letter: letter?.id ?? '' })
    const page = `http://${host}:${isRebound ? port : website}/?${query}`
    const tab = await (await browser.newContext()).newPage()
    tab.setDefaultTimeout(0)
    if (isRebound) await tab.route(page, (route) => route.fulfill({ body: html, contentType: 'text/html' }))
    await tab.goto(page)
    const loot = await tab.evaluate<string[]>('loot')

    const telling = loot.filter((text) => [SECRET, order].some((kept) => text.includes(kept)))
    expect.soft(telling, `what a page of ${of} read`).toEqual([])
    expect.soft(await stateOf(url), `the service, behind a page of ${of}`).toEqual(before)
    const { deliveries } = (await post(`${url}/groups/${GROUP}/pull`, {})).body
    expect.soft(deliveries).toMatchObject([{ attempt: 1, event: { message_id: order, data: { symbol: SECRET } } }])
  }
}

/** What the pages are after. */
async function stateOf(url: string) {
  const [events, groups, letters] = await Promise.all(
    ['/events', '/groups', '/dead-letters'].map(async (path) => (await get(`${url}${path}`)).body)
  )
  return {
    events: events.events.map(({ message_id: id }: { message_id: string }) => id),
    groups: groups.groups.map(({ name, pending, last_delivered_id: last }: Record<string, unknown>) => {
      return { name, pending, last }
    }),
    letters: letters.total
  }
}
