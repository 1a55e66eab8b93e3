import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { newFolder } from '../../../../../test/support/new-folder.ts'
import { openService } from '../open-service.ts'
import { publishPlan } from './importer.ts'
import { inputOf } from './input.ts'
import { BATCH, makePlan } from './plan.ts'
import { RowIds } from './row-ids.ts'
import { Source } from './source.ts'

const row = (index: number) => `2024-01-02,X,${index}\n`

test('a file that is changed while it is imported ends the import, and no row that was not checked is published', async () => {
  const folder = await newFolder()
  const path = join(folder, 'prices.csv')
  const rows = Array.from({ length: 3 * BATCH }, (_, index) => row(index))
  await writeFile(path, `timestamp,symbol,price\n${rows.join('')}`)
  const given = { stdin: Readable.from([]), signal: new AbortController().signal }
  await using service = await openService({ log: join(folder, 'events.db') }, { env: {}, create: true })
  const { client } = service
  await using source = await Source.open(path, given)
  const { input } = await inputOf({ client, path, source, options: {}, signal: given.signal })
  const plan = await makePlan(input, new RowIds(), () => {})
  async function* changedOnTheWay() {
    let count = 0
    for await (const one of input.rows()) {
      count += 1
      if (count === BATCH + 1) await appendFile(path, row(-1))
      yield one
    }
    expect(count).toBeLessThanOrEqual(3 * BATCH)
  }
  const publishing = publishPlan({ ...input, rows: changedOnTheWay }, plan, { onProgress: () => {}, onFault: () => {} })
  await expect(publishing).rejects.toThrow(/was changed while it was read/)
  const published = await Array.fromAsync(client.streamReplay())
  expect(published.map(({ data }) => data.price)).toEqual(Array.from({ length: BATCH }, (_, index) => index))
})

test('what is appended to a file after it was opened is not read', async () => {
  const path = join(await newFolder(), 'prices.csv')
  await writeFile(path, row(1))
  await using source = await Source.open(path, { stdin: Readable.from([]), signal: new AbortController().signal })
  await appendFile(path, row(2))
  expect(Buffer.concat(await Array.fromAsync(source.bytes())).toString()).toBe(row(1))
  await expect(source.assertUnchanged()).rejects.toThrow(/was changed/)
})
