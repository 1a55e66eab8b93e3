/** For people: numbers, and what went wrong, by name, with examples. */
export function table<Verdict extends { readonly findings: Readonly<Record<string, readonly string[]>> }>({
  findings,
  ...numbers
}: Verdict): string {
  const rows = [
    ...Object.entries(numbers).map(([name, value]) => [name, String(value)] as const),
    ...Object.entries(findings).map(([name, found]) => {
      const examples = found.length === 0 ? '' : `: ${found.slice(0, 5).join(', ')}${found.length > 5 ? ', …' : ''}`
      return [name, `${found.length}${examples}`] as const
    })
  ]
  return rows.map(([name, value]) => `  ${name.padEnd(22)} ${value}`).join('\n')
}
