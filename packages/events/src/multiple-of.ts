interface Decimal {
  readonly digits: bigint
  /** The power of ten that the digits are multiplied with. */
  readonly exponent: number
}

/** Whether a number is a multiple of another, as both are written in decimal: 0.3 is one of 0.1. The divisor is not 0. */
export function isMultipleOf(value: number | bigint, divisor: number): boolean {
  if (Number.isSafeInteger(value) && Number.isSafeInteger(divisor)) return (value as number) % divisor === 0
  const [dividend, by] = [decimalOf(value), decimalOf(divisor)]
  const exponent = Math.min(dividend.exponent, by.exponent)
  return scaled(dividend, exponent) % scaled(by, exponent) === 0n
}

function decimalOf(value: number | bigint): Decimal {
  const [, integer = '', fraction = '', exponent = '0'] =
    /^(-?\d+)(?:\.(\d+))?(?:e([-+]\d+))?$/.exec(String(value)) ?? []
  return { digits: BigInt(integer + fraction), exponent: Number(exponent) - fraction.length }
}

function scaled({ digits, exponent }: Decimal, to: number): bigint {
  return digits * 10n ** BigInt(exponent - to)
}
