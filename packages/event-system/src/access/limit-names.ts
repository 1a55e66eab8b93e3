/** What a policy can bound per second. */
export const RATE_NAMES = [
  'requests',
  'publish_events',
  'publish_bytes',
  'read_requests',
  'consume_requests',
  'admin_requests'
] as const
export type RateName = (typeof RATE_NAMES)[number]

/** What a policy can bound at any one time: the streams that are open, the bytes of request bodies that are held. */
export const SHARE_NAMES = ['streams', 'pulls', 'replays', 'body_bytes'] as const
export type ShareName = (typeof SHARE_NAMES)[number]

/** A limit as a policy names it. */
export type LimitName = `${RateName}_per_second` | ShareName

export const LIMIT_NAMES: readonly LimitName[] = [
  ...RATE_NAMES.map((name) => `${name}_per_second` as const),
  ...SHARE_NAMES
]

/** The limits that a policy gives a principal; `Infinity` is no limit. Where it names none, the default of the program holds. */
export type OwnLimits = Readonly<Partial<Record<LimitName, number>>>

/** The limits that several grants give together: of each name the largest. `undefined` when no grant has a limit. */
export function mostGenerous(several: readonly OwnLimits[]): OwnLimits | undefined {
  const said = LIMIT_NAMES.flatMap((name) => {
    const values = several.map((limits) => limits[name]).filter((value) => value !== undefined)
    return values.length === 0 ? [] : [[name, Math.max(...values)] as const]
  })
  return said.length === 0 ? undefined : Object.fromEntries(said)
}
