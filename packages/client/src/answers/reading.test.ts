import { describe, expect, it } from 'vitest'
import { boolean, counts, field, list, mark, number, object, optional, orNull, reader, text, time } from './reading.ts'

interface Document {
  message_id: string
  dead_at: string
  last_error: { message: string } | null
  at_most?: number
}

interface Answer {
  readonly messageId: string
  readonly deadAt: number
  readonly lastError: { readonly message: string } | null
  readonly atMost?: number
}

const read = reader<Document, Answer>({
  message_id: text,
  dead_at: time,
  last_error: orNull(reader<{ message: string }, { readonly message: string }>({ message: text })),
  at_most: optional(number)
})
const document = { message_id: '1-0', dead_at: '1970-01-01T00:00:01Z', last_error: null }

describe('a reader of a document', () => {
  it('answers its fields in camelCase, without those that it does not know or that are left out', () => {
    expect(read({ ...document, more: 1 })).toStrictEqual({ messageId: '1-0', deadAt: 1_000, lastError: null })
    expect(read({ ...document, at_most: 3 })).toMatchObject({ atMost: 3 })
  })

  it.each([
    ['message_id is missing or no text.', { ...document, message_id: 1 }],
    ['dead_at is missing or no text.', { ...document, dead_at: undefined }],
    ['at_most is missing or no number.', { ...document, at_most: '3' }],
    ['message is missing or no text.', { ...document, last_error: {} }],
    ['last_error is missing or no object.', { ...document, last_error: 'late' }],
    ['the document is missing or no object.', [document]]
  ])('refuses what is not so: %s', (message, body) => {
    expect(() => read(body)).toThrow(expect.objectContaining({ code: 'http_error', message }))
  })

  it('is given a reader for each field of the answer, by a name that the document has', () => {
    // @ts-expect-error: message_id has no reader
    reader<Pick<Document, 'message_id'>, Pick<Answer, 'messageId'>>({})
    // @ts-expect-error: the document has no field message_id
    reader<{ id: string }, Pick<Answer, 'messageId'>>({ message_id: text })
    // @ts-expect-error: the answer has a number
    reader<Pick<Document, 'dead_at'>, Pick<Answer, 'deadAt'>>({ dead_at: text })
    // @ts-expect-error: the document has no field messages
    field<Document, string>('messages', text)
  })
})

it.each([
  ['value is missing or neither true nor false.', boolean, 'true'],
  ['value is missing or no list.', list(text), 'a'],
  ['an item of value is missing or no text.', list(text), ['a', 1]],
  ['value is missing or no object.', object, []],
  ['failed is missing or no number.', counts, { done: 1, failed: null }]
])('a value is refused with the name of its field: %s', (message, read, value) => {
  expect(() => read(value, 'value')).toThrow(expect.objectContaining({ code: 'http_error', message }))
})

it('a mark is there or is left out', () => {
  expect([true, false, undefined, 'true'].map(mark)).toEqual([true, undefined, undefined, undefined])
})
