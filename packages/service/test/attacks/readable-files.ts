import { mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { newFolder } from '../../../../test/support/new-folder.ts'
import { get, post, serviceOver, signal } from '../http/support/test-service.ts'
import { runCommand } from './run-command.ts'

const OF_OTHERS = 0o077

/**
 * Another user of the machine reads what the service and the command line write: log, write-ahead log, spool, audit log, exports,
 * keys and certificates. No file and no folder may be open to anybody but its owner, although the umask allows it.
 */
export async function readableFiles(): Promise<void> {
  const folder = await newFolder()
  const before = process.umask(0)
  onTestFinished(() => void process.umask(before))
  const { url } = await serviceOver('sqlite', {
    EVENT_LOG_PATH: join(folder, 'data/log/events.db'),
    EVENT_SPOOL_PATH: join(folder, 'spool/spool.db'),
    EVENT_AUDIT: 'on',
    EVENT_AUTH: 'off'
  })
  expect((await post(`${url}/events`, signal())).status).toBe(200)
  await get(`${url}/groups/nobody`, { method: 'DELETE' })
  await mkdir(join(folder, 'files'), { mode: 0o700 })
  const file = (name: string) => join(folder, 'files', name)
  for (const command of [
    ['export', '--url', url, '--output', file('events.csv')],
    ['export', '--url', url, '--output', file('events.ndjson')],
    ['encryption-keys', 'new', '--file', file('keys.json'), '--id', 'a'],
    ['certs', 'dev', '--dir', file('certificates')]
  ]) {
    expect((await runCommand(command)).code, command.join(' ')).toBe(0)
  }

  const names = await readdir(folder, { recursive: true })
  expect(names).toEqual(
    expect.arrayContaining([
      'data/log/events.db',
      'data/log/events.db-wal',
      'data/log/events.db.audit.db',
      'spool/spool.db'
    ])
  )
  const open: string[] = []
  for (const name of names) {
    const { mode } = await stat(join(folder, name))
    if ((mode & OF_OTHERS) !== 0) open.push(`${name} ${(mode & 0o777).toString(8)}`)
  }
  expect(open).toEqual([])
}
