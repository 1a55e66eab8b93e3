import { rm } from 'node:fs/promises'
import { expect } from 'vitest'
import { get, newLog, serviceOver } from '../http/support/test-service.ts'
import { runCommand } from './run-command.ts'

/**
 * Somebody administers the log and then deletes the audit log, so that nothing shows who it was. Verification, over HTTP and from
 * the command line, must not say that all is right: by itself, and also once the service has recorded something again.
 */
export async function deletedAuditLog(): Promise<void> {
  const place = await newLog('sqlite')
  const environment = { ...place, EVENT_AUDIT: 'on', EVENT_AUTH: 'off' }
  const log = place.EVENT_LOG_PATH ?? ''
  const first = await serviceOver('sqlite', environment)
  const deleteGroup = (url: string) => get(`${url}/groups/nobody`, { method: 'DELETE' })
  expect((await deleteGroup(first.url)).status).toBe(404)
  const kept = (await get(`${first.url}/audit/head`)).body.head
  expect((await get(`${first.url}/audit/verification`)).body).toMatchObject({ ok: true, entries: 2 })
  await first.close()

  for (const end of ['', '-wal', '-shm']) await rm(`${log}.audit.db${end}`, { force: true })
  expect((await runCommand(['audit', 'verify', '--log', log], environment)).code).toBe(1)

  const { url } = await serviceOver('sqlite', environment)
  const empty = await get(`${url}/audit/verification`)
  expect(empty.body).toMatchObject({ ok: false, fault: { message: 'The audit log holds no entries.' } })
  expect(await runCommand(['audit', 'verify', '--url', url])).toMatchObject({
    code: 1,
    stdout: 'The audit log holds no entries. (empty)\n'
  })
  await deleteGroup(url)
  expect((await get(`${url}/audit/verification?head=${kept}`)).body.ok).toBe(false)
}
