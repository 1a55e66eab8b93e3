import { expect, test } from 'vitest'
import { newClient } from './driver.ts'

test('clients of different servers share one class, which takes the driver long to make', async () => {
  const urls = ['redis://127.0.0.1:6379', 'redis://user:secret@127.0.0.1:6380/3', 'rediss://127.0.0.1:6381']
  const clients = await Promise.all(urls.map((url) => newClient({ url, tls: {} }, 1_000)))
  expect(new Set(clients.map((client) => client.constructor)).size).toBe(1)
  expect(clients.map(({ options }) => options?.socket)).toMatchObject([
    { port: 6379, tls: false },
    { port: 6380, tls: false },
    { port: 6381, tls: true }
  ])
})
