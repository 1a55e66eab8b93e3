import { EventClient } from '@tradpal/event-client'
import { createEvent, type JsonObject, parseJson } from '@tradpal/event-system'
import { waitFor } from '@tradpal/event-system/testing'
import { describe, expect, test } from 'vitest'
import { get, LOGS, post, serviceOver } from './support/test-service.ts'

const TIME = '1700000000123456789'
const DATA = `{"symbol":"X","time_ns":${TIME},"list":[-${TIME},{"huge":${'9'.repeat(400)}}]}`
const METADATA = `{"trace":${TIME}}`
const JSON_BODY = { 'content-type': 'application/json' }

function eventText(eventId: string): string {
  return `{"event_type":"market_data_update","event_id":"${eventId}","data":${DATA},"metadata":${METADATA}}`
}

describe.each(LOGS)('an integer of any size, over %s', (kind) => {
  test('is kept digit by digit in the log and in every answer', async () => {
    const { url, system } = await serviceOver(kind)
    const published = await post(`${url}/events`, eventText('one'), JSON_BODY)
    expect(published.status).toBe(200)
    expect((await post(`${url}/events/batch`, `[${eventText('two')}]`, JSON_BODY)).status).toBe(200)
    const { message_id: id } = published.body
    const inWords = `"data":${DATA},"metadata":${METADATA}`
    expect((await system.storage.log.get([id]))[0]?.payload).toContain(inWords)

    const stream = await fetch(`${url}/events/stream?after=start`)
    const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader()
    let frames = ''
    while (!frames.includes('"two"')) frames += (await reader?.read())?.value ?? ''
    await reader?.cancel()
    const answers = {
      query: (await get(`${url}/events`)).text,
      event: (await get(`${url}/events/${id}`)).text,
      lineage: (await get(`${url}/events/${id}/lineage`)).text,
      replay: (await post(`${url}/events/replay`, undefined, { accept: 'application/x-ndjson' })).text,
      pulled: (await post(`${url}/groups/desk/pull`, { from: 'start' })).text,
      frames
    }
    for (const [name, text] of Object.entries(answers)) expect(text, name).toContain(inWords)
  })

  test('goes through the client, a consumer and a dead letter that is put back with other data', async () => {
    const { url, system } = await serviceOver(kind)
    await using client = new EventClient({ url })
    const data = parseJson(DATA) as JsonObject & { readonly symbol: string }
    const messageId = await client.publishEvent(createEvent('market_data_update' as string, data))
    expect((await client.getEvent(messageId)).data).toEqual(data)
    expect(await client.getEvents()).toMatchObject([{ data }])
    expect(await Array.fromAsync(client.streamReplay())).toMatchObject([{ data }])

    const handled: unknown[] = []
    system.registerHandler(
      'market_data_update' as string,
      (event) => {
        handled.push(event.data.time_ns)
        if (handled.length === 1) throw new Error('not now')
      },
      { name: 'keep', maxAttempts: 1 }
    )
    await system.startConsuming({ group: 'desk', from: 'start' })
    await waitFor(async () => (await client.deadLetters.count()) === 1)
    const [letter] = await client.deadLetters.list()
    expect(letter?.payload).toContain(TIME)
    await client.deadLetters.requeue(letter?.id ?? '', { data: { symbol: 'X', time_ns: BigInt(TIME) + 1n } })
    await waitFor(() => handled.length === 2)
    expect(handled).toEqual([BigInt(TIME), BigInt(TIME) + 1n])
  })

  test('in the place of a parameter of a request is refused', async () => {
    const { url } = await serviceOver(kind)
    const answer = await post(`${url}/groups/desk/pull`, `{"max":${TIME}}`, JSON_BODY)
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_argument' } })
  })
})
