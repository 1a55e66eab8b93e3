import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareKnownIds } from '../message-id.ts'
import { placeIn, placeText } from './places.ts'
import {
  compareInLog,
  decodeLabelled,
  decodePostings,
  encodeLabelled,
  encodePostings,
  idOf,
  type LabelledPosting,
  type Posting,
  postingOf
} from './postings.ts'

const LARGEST = 2n ** 64n - 1n
const part = fc.oneof(
  fc.constantFrom(0n, 1n, 1_764_000_000_000n, 2n ** 51n, 2n ** 53n, LARGEST),
  fc.bigInt(0n, LARGEST)
)
const messageId = fc.tuple(part, part).map(([ms, sequence]) => `${ms}-${sequence}`)
const eventTime = fc.oneof(fc.constantFrom(0, -1, 1_764_000_000_001), fc.maxSafeInteger())
const posting = fc.tuple(messageId, eventTime).map(([id, time]) => postingOf(id, time))
const postings = fc.array(posting).map((some) => some.sort(compareInLog))

function decoded(text: string): Posting[] {
  const found: Posting[] = []
  decodePostings(text, (one) => found.push(one))
  return found
}

test('postings in log order come back from their text as they were, whatever their ids and times', () => {
  fc.assert(
    fc.property(postings, (some) => {
      expect(decoded(encodePostings(some))).toEqual(some)
    })
  )
})

test('of postings with labels those come back whose labels are wanted', () => {
  const labelled = fc.tuple(postings, fc.infiniteStream(fc.integer({ min: 1, max: 100 })))
  fc.assert(
    fc.property(labelled, fc.integer({ min: 1, max: 100 }), ([some, labels], most) => {
      const all = some.map((one): LabelledPosting => ({ ...one, label: labels.next().value }))
      const found: LabelledPosting[] = []
      decodeLabelled(
        encodeLabelled(all),
        (label) => label <= most,
        (one, label) => found.push({ ...one, label })
      )
      expect(found).toEqual(all.filter(({ label }) => label <= most))
    })
  )
})

test('postings stand in the order of their ids', () => {
  fc.assert(
    fc.property(posting, posting, (a, b) => {
      expect(Math.sign(compareInLog(a, b))).toBe(Math.sign(compareKnownIds(idOf(a), idOf(b))))
    })
  )
})

test('an event of prices takes a few characters', () => {
  const some = Array.from({ length: 1_000 }, (_, i) =>
    postingOf(`${1_764_000_000_000 + 20 * i}-3`, 1_764_000_000_000 + 20 * i - 7)
  )
  expect(encodePostings(some).length).toBeLessThan(4_020)
})

test('places come back from their texts, which stand in the order of event times, and of ids where those are equal', () => {
  const place = fc.record({ eventTime, messageId })
  fc.assert(
    fc.property(place, place, fc.boolean(), (a, other, isSameTime) => {
      const b = isSameTime ? { ...other, eventTime: a.eventTime } : other
      expect(placeIn(placeText(a))).toEqual(a)
      const order = a.eventTime - b.eventTime || compareKnownIds(a.messageId, b.messageId)
      expect(Math.sign(Buffer.compare(Buffer.from(placeText(a)), Buffer.from(placeText(b))))).toBe(Math.sign(order))
    })
  )
})
