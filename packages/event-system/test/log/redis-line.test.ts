import { once } from 'node:events'
import { type AddressInfo, createServer, Socket } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { Line } from '../../src/log/redis/line.ts'
import { fixedLocator } from '../../src/log/redis/locator.ts'

test('a line that is ended while its socket is being made leaves no connection behind', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const locator = fixedLocator({ url: `redis://127.0.0.1:${port}`, tls: {} })
  const line = new Line({ locator, location: 'a silent server', connectTimeoutMs: 10_000, patienceMs: 10_000 })
  const connect = vi.spyOn(Socket.prototype, 'connect').mockImplementationOnce(function (this: Socket, ...args) {
    connect.mockRestore()
    setImmediate(() => line.destroy())
    return this.connect(...args)
  })
  const accepted = once(server, 'connection') as Promise<[Socket]>
  await expect(line.open(10_000)).rejects.toMatchObject({ code: 'closed' })
  const [socket] = await accepted
  onTestFinished(() => void socket.destroy())
  await once(socket.resume(), 'close')
})
