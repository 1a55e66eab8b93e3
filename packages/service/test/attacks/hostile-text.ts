import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { newFolder } from '../../../../test/support/new-folder.ts'
import { get, post, serviceOver } from '../http/support/test-service.ts'
import { runCommand } from './run-command.ts'

const FORMULAS = ['=cmd()', '+cmd()', '-2+3+cmd()', '@SUM(1)', '\t=cmd()', '\r=cmd()', '＝cmd()']
const STEERING = ['\u001b[2J', '\u009b31m', '\u007f', '\u0085', '\u2028', '\u202e', '\u2066', '\u200f', '\u061c']
const STEERS = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u

/**
 * Publishes texts that a spreadsheet would run and texts that a terminal would obey, over HTTP, and looks at the events in each
 * way of the command line. Neither kind may come out as it went in, and the export must still hold each text exactly.
 */
export async function hostileText(): Promise<void> {
  const { url } = await serviceOver()
  const folder = await newFolder()
  const texts = [...FORMULAS, ...STEERING]
  for (const text of texts) {
    const data = { symbol: text, price: -5, note: { text } }
    expect((await post(`${url}/events`, { event_type: 'market_data_update', source: text, data })).status).toBe(200)
  }

  const csv = join(folder, 'events.csv')
  const columns = 'data.symbol,data.price,data.note,source,timestamp'
  const shown = [
    await runCommand(['export', '--url', url, '--columns', columns, '--output', csv]),
    await runCommand(['export', '--url', url, '--format', 'csv']),
    await runCommand(['export', '--url', url]),
    await runCommand(['events', '--url', url]),
    await runCommand(['events', '--url', url, '--json']),
    await runCommand(['tail', '--url', url, '--from', 'start', '--no-follow']),
    await runCommand(['events', '--url', url, '--type', 'forged\u202e\u009b']),
    await runCommand(['events', '--url', url, '--type', 'forged\u202e\u009b', '--json'])
  ]
  const file = await readFile(csv, 'utf8')
  for (const text of [file, ...shown.flatMap(({ stdout, stderr }) => [stdout, stderr])]) {
    for (const line of text.split('\n')) expect(STEERS.test(line), JSON.stringify(line)).toBe(false)
  }
  const cells = file.split('\n').slice(1, -1)
  for (const line of cells) expect(line).toMatch(/^(?![\s=+\-@＝])/)
  for (const line of cells) expect(line).toMatch(/,-5,/)

  const imported = await serviceOver()
  const { code, stderr } = await runCommand(['import', csv, '--url', imported.url, '--type', 'market_data_update'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const { body } = await get(`${imported.url}/events`)
  const read = body.events.map(({ data, source }: { data: object; source: string }) => ({ ...data, source }))
  expect(read).toEqual(texts.map((text) => ({ symbol: text, price: -5, note: { text }, source: text })))
}
