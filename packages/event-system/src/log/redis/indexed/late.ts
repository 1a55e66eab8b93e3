import { placeText } from './places.ts'
import { idOf, type LabelledPosting, type Posting } from './postings.ts'

/** The field of a segment that tells its late entries: no label has it as its number. */
export const LATE = 'late'
/** Under this number stand the late entries of all labels. */
export const ALL_LABELS = 0

/** A late entry, as it stands in the sorted sets. */
export function latePlace(posting: Posting): string {
  return placeText({ eventTime: posting.eventTime, messageId: idOf(posting) })
}

/** As a segment tells of its late entries: label and place in turn. */
export function lateText(late: readonly LabelledPosting[]): string {
  return late.map((posting) => `${posting.label} ${latePlace(posting)}`).join(' ')
}

/** The labels and places of a {@link lateText}. */
export function lateIn(text: string): { readonly label: number; readonly place: string }[] {
  const words = text === '' ? [] : text.split(' ')
  return Array.from({ length: words.length / 2 }, (_, i) => ({
    label: Number(words[2 * i]),
    place: words[2 * i + 1] as string
  }))
}

/** Late entries by the sets in which they stand: each in the set of its label, and in that of all labels. */
export function bySet<Late extends { readonly label: number }>(
  late: readonly Late[]
): (readonly [label: number, readonly Late[]])[] {
  return [[ALL_LABELS, late], ...Map.groupBy(late, ({ label }) => label)]
}
