/** A line of the diary, in which all processes of a run write down what they do, in the order in which they did it. */
export type Entry =
  /** The log has taken an event: the running number of its key. */
  | { readonly what: 'accepted'; readonly key: string; readonly number: number; readonly messageId: string }
  /** A handler begins with an event, ends with it, or throws. */
  | {
      readonly what: 'begun' | 'done' | 'failed'
      readonly key: string
      readonly number: number
      readonly messageId: string
      readonly attempt: number
      readonly token: number
      readonly consumer: string
    }
