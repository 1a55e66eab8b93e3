/** A duration, ms, in the unit that suits it: `840 ms`, `12 s`, `3.5 h`. */
export function age(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 120_000) return `${Math.round(ms / 1_000)} s`
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`
  if (ms < 172_800_000) return `${(ms / 3_600_000).toFixed(1)} h`
  return `${(ms / 86_400_000).toFixed(1)} d`
}

/** As {@link age}; `-` where there is none, and where it is not shown. */
export function ageOrNone(ms: number | null): string {
  return ms === null ? '-' : age(ms)
}
