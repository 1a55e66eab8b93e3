import { readFile } from 'node:fs/promises'
import { command } from './redis-logs.ts'

/** Makes the user whose permissions stand in docs/logs.md, for the streams of harnesses. Resolves to the URL with this user. */
export async function documentedUser(url: string): Promise<string> {
  const page = await readFile(new URL('../../../../docs/logs.md', import.meta.url), 'utf8')
  const [, line = ''] = /^ACL (SETUSER events [^`]+)/m.exec(page) ?? []
  const rules = line.trim().split(/\s+/)
  await command(url, 'ACL', ...rules.map((rule) => rule.replace('~tradpal_events', '~conformance_*')))
  return url.replace('://', '://events:password@')
}
