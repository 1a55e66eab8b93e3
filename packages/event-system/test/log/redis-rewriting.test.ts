import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import type { PendingTexts } from '../../src/log/port.ts'
import { redisInTest } from './redis-in-test.ts'

const redis = redisInTest()

/** A command of somebody else, which is done when this returns. */
function meanwhile(...command: string[]): void {
  const script = `
    const [port, ...args] = process.argv.slice(1)
    const socket = require('node:net').connect(Number(port), '127.0.0.1')
    socket.write('*' + args.length + '\\r\\n' + args.map((one) => '$' + Buffer.byteLength(one) + '\\r\\n' + one + '\\r\\n').join(''))
    socket.once('data', () => socket.destroy())`
  execFileSync(process.execPath, ['-e', script, String(redis.server.port), ...command])
}

async function pendingWithNotes(count: number) {
  const log = await redis.started()
  const group = log.group('group')
  await group.create('start')
  const entries = Array.from({ length: count }, (_, i) => ({ eventId: `${i}`, eventType: 'a_type', payload: `${i}` }))
  const ids = (await log.append(entries)).map(({ messageId }) => messageId)
  const deliveries = await group.read('one', { limit: count, waitMs: 0 })
  await group.settle(
    'one',
    deliveries.map((one) => ({ ...one, outcome: { kind: 'retry', note: 'before' } }))
  )
  return { group, ids, notes: async () => (await group.pending({ limit: count })).map(({ note }) => note) }
}

test('a note that is left while others are rewritten is rewritten as it is by then, and one that is gone stays gone', async () => {
  const { group, ids, notes } = await pendingWithNotes(3)
  const seen: (string | undefined)[] = []
  const change = (texts: PendingTexts) => {
    if (seen.length === 0) {
      meanwhile('HSET', 'tradpal_events:group:group:notes', ids[1] ?? '', 'meanwhile')
      meanwhile('HDEL', 'tradpal_events:group:group:notes', ids[2] ?? '')
    }
    seen.push(texts.note)
    return { ...texts, note: `${texts.note}+` }
  }

  expect(await group.rewrite(ids, change)).toBe(2)

  expect(await notes()).toEqual(['before+', 'meanwhile+', undefined])
  expect(seen).toEqual(['before', 'before', 'before', 'meanwhile'])
})

test('what others change without a pause is given up with log_busy', async () => {
  const { group, ids, notes } = await pendingWithNotes(1)
  let asked = 0
  const change = (texts: PendingTexts) => {
    asked += 1
    meanwhile('HSET', 'tradpal_events:group:group:notes', ids[0] ?? '', String(asked))
    return { ...texts, note: 'never' }
  }

  await expect(group.rewrite(ids, change)).rejects.toMatchObject({ code: 'log_busy' })

  expect(await notes()).toEqual([String(asked)])
})
