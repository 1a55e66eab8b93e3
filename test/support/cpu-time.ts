/** How much time of a processor this process has taken so far, in ms. Other processes of a busy machine do not count. */
export function cpuTimeMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}
