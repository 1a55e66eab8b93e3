import { once } from 'node:events'
import { Documents, systemClock } from '@tradpal/event-system'
import { ApiKeys } from '@tradpal/event-system/access'
import fastify from 'fastify'
import { expect, onTestFinished, test, vi } from 'vitest'
import { monotonicTime } from '../../../../test/support/monotonic-time.ts'
import { handleInCohorts } from '../../src/http/cohorts.ts'
import { connectTo } from './support/raw-request.ts'
import { serviceOver } from './support/test-service.ts'

const NAMES = ['a', 'b', 'c']

/** One connection each, on which a first request was answered already. */
async function openConnections(url: string, headers = '', pathOf = (name: string) => `/${name}`) {
  const connections = await Promise.all(
    NAMES.map(async (name) => {
      const socket = await connectTo(url)
      const ask = async () => {
        socket.write(`GET ${pathOf(name)} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`)
        const [answer] = await once(socket, 'data')
        return String(answer).slice(9, 12)
      }
      return ask
    })
  )
  const askAtOnce = () => Promise.all(connections.map((ask) => ask()))
  await askAtOnce()
  return askAtOnce
}

test('requests that arrive in one turn of the event loop are taken up behind the last of them, in their order', async () => {
  const seen: string[] = []
  const app = fastify()
  onTestFinished(() => app.close())
  app.addHook('onRequest', async ({ url }) => void seen.push(`${url} arrived`))
  handleInCohorts(app)
  app.addHook('onRequest', async ({ url }) => void seen.push(`${url} is taken up`))
  app.get('/:name', async () => 'done')
  const askAtOnce = await openConnections(await app.listen())
  seen.length = 0

  expect(await askAtOnce()).toEqual(['200', '200', '200'])
  expect(seen.slice(0, 3).sort()).toEqual(['/a arrived', '/b arrived', '/c arrived'])
  expect(seen.slice(3)).toEqual(seen.slice(0, 3).map((text) => text.replace('arrived', 'is taken up')))
})

test('one that is refused keeps no other of its turn from its answer', async () => {
  const app = fastify()
  onTestFinished(() => app.close())
  handleInCohorts(app)
  app.addHook('onRequest', (request, _reply, next) => {
    if (request.url === '/a') throw new Error('refused')
    next(request.url === '/b' ? new Error('refused') : undefined)
  })
  app.get('/:name', async () => 'done')

  expect(await (await openConnections(await app.listen()))()).toEqual(['500', '500', '200'])
})

test('for the requests of a turn it is asked once whether API keys have changed', async () => {
  const { url, system } = await serviceOver('sqlite', { EVENT_AUTH: 'required' })
  const { key } = await new ApiKeys(new Documents(system.storage), systemClock).create({
    name: 'a',
    scopes: ['read:*'],
    by: 'me'
  })
  const askAtOnce = await openConnections(url, `Authorization: Bearer ${key}\r\n`)
  monotonicTime()(1_000)
  const revision = vi.spyOn(system.storage.collections, 'revision')

  expect(await askAtOnce()).toEqual(['404', '404', '404'])
  expect(revision).toHaveBeenCalledOnce()
})

test('the requests of a turn are counted by one question to the log, and those of one caller by one addition', async () => {
  const { url, system } = await serviceOver('redis', { EVENT_LIMIT_REQUESTS_PER_SECOND: '1000' })
  const askAtOnce = await openConnections(url, '', () => '/versions?stream_key=a')
  if (system.storage.counters === undefined) throw new Error('Redis counts.')
  const add = vi.spyOn(system.storage.counters, 'add')

  expect(await askAtOnce()).toEqual(['200', '200', '200'])
  expect(add.mock.calls.map(([additions]) => additions.map(({ amount }) => amount))).toEqual([[3]])
})
