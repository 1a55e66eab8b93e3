import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { waitFor } from '@tradpal/event-system/testing'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../../../test/support/free-port.ts'
import { runProcess, startProcess, temporaryFolder } from './support/command.ts'

test.each(['SIGTERM', 'SIGINT'] as const)('serve ends properly with 0 at %s', async (signal) => {
  const folder = await temporaryFolder()
  const port = await freePort()
  // The options win over the environment: no Redis is looked for.
  const env = { EVENT_SERVICE_PORT: '1', REDIS_URL: 'redis://127.0.0.1:1' }
  const args = ['serve', '--host', '127.0.0.1', '--port', String(port), '--log', join(folder, 'served.db')]
  const service = startProcess(args, { env })
  await waitFor(async () => (await fetch(`http://127.0.0.1:${port}/health`)).ok)
  service.child.kill(signal)
  expect(await service.result).toMatchObject({ code: 0, stderr: '' })
})

test('serve ends with 2 and a sentence for each wrong variable', async () => {
  const env = { EVENT_SERVICE_PORT: 'http', METRICS_UPDATE_INTERVAL: 'often' }
  const { code, stderr } = await runProcess(['serve'], { env, cwd: await temporaryFolder() })
  expect(code).toBe(2)
  expect(stderr).toMatch(/EVENT_SERVICE_PORT must be .*\nMETRICS_UPDATE_INTERVAL must be .*\n/)
})

test.each([
  ['EVENT_POLICY_FILE', {}, /The policy \(EVENT_POLICY_FILE\) cannot be used .*not JSON/],
  ['EVENT_TLS_CERT_FILE', { EVENT_TLS_KEY_FILE: 'wrong' }, /EVENT_TLS_CERT_FILE holds no certificate/],
  [
    'EVENT_JWT_KEY_FILE',
    { EVENT_JWT_ISSUER: 'https://login.example', EVENT_JWT_AUDIENCE: 'tradpal' },
    /The key of the tokens \(EVENT_JWT_KEY_FILE\) cannot be used/
  ],
  ['EVENT_ENCRYPTION_KEYS_FILE', {}, /The file of encryption keys cannot be/]
])('serve ends with 2 and a sentence when the file of %s is wrong', async (variable, more, sentence) => {
  const cwd = await temporaryFolder()
  await writeFile(join(cwd, 'wrong'), 'wrong', { mode: 0o600 })
  const env = { EVENT_SERVICE_PORT: '0', EVENT_LOG_PATH: 'log.db', [variable]: 'wrong', ...more }
  const { code, stderr } = await runProcess(['serve'], { env, cwd })
  expect(stderr).toMatch(sentence)
  expect(code).toBe(2)
})

test('serve ends with 1 when its port is taken: it may be free the next time', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  onTestFinished(() => void other.close())
  const { port } = other.address() as AddressInfo
  const args = ['serve', '--host', '127.0.0.1', '--port', String(port)]
  const { code, stderr } = await runProcess(args, { cwd: await temporaryFolder() })
  expect(stderr).toContain(`Another process listens on 127.0.0.1:${port}`)
  expect(code).toBe(1)
})

test('serve ends at once when it is told to while its log does not answer', async () => {
  const sockets: Socket[] = []
  const silent = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    silent.close()
  })
  const { port } = silent.address() as AddressInfo
  const service = startProcess(['serve', '--redis', `redis://127.0.0.1:${port}`, '--port', '0'])
  await waitFor(() => sockets.length > 0)
  service.child.kill('SIGTERM')
  // By the signal, and not by giving the log up.
  expect(await service.result).toEqual({ code: null, stdout: '', stderr: '' })
})
