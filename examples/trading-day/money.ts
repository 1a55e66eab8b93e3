/** Money is counted in whole cents, so that sums are exact; events carry dollars. */
export const cents = (dollars: number): number => Math.round(dollars * 100)
export const dollars = (wholeCents: number): number => wholeCents / 100
