import type { EventRange } from '@tradpal/event-client'
import type { Output } from './output.ts'
import type { Service } from './service.ts'

/** Says for people, of a range of times in which nothing was found, that such events happened in it. It is beside the work of a command: it fails none. */
export async function noteIfHappened(output: Output, { client }: Service, range: EventRange): Promise<void> {
  const { startTime, endTime, after, time = 'log' } = range
  const isOfTimes = after === undefined && (startTime !== undefined || endTime !== undefined)
  if (output.json || time === 'event' || !isOfTimes) return
  const found = await client.getEvents({ ...range, time: 'event', limit: 1, raw: true }).catch(() => [])
  if (found.length === 0) return
  output.note('the log took no such event in this time, but some happened in it: --time event finds them')
}
